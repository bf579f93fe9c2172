/** The parts of a message's row that `soon.ts` fetches, in one file. */
import type { JSX } from "solid-js";
import { markdown } from "../text/markdown";
import { Blocks } from "./Markdown";

export { MessageActions } from "./MessageActions";

/** A text as its Markdown means it. */
export function formatted(text: string): JSX.Element {
  return <Blocks blocks={markdown(text)} />;
}
