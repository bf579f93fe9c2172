/** The parts of a message's row that `soon.ts` fetches, in one file. */
import type { JSX } from "solid-js";
import { markdown } from "../text/markdown";
import { plain } from "../text/plain";
import { Blocks } from "./Markdown";

export { MessageActions } from "./MessageActions";

/** A text on one line, without its marks: a quote. */
export function onOneLine(text: string): string {
  return plain(markdown(text)).replace(/\s+/g, " ");
}

/** A text as its Markdown means it. */
export function formatted(text: string): JSX.Element {
  return <Blocks blocks={markdown(text)} />;
}
