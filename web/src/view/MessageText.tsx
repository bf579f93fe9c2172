/** The text of a message. It is only ever put in as text. */
import { createMemo, type JSX } from "solid-js";
import { cleanText } from "../text/clean";
import { fullTime, isoTime } from "../text/time";
import { soon } from "./soon";

/** One to three emoji and nothing else are shown large. */
const FEW_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d\p{Extended_Pictographic}|[\u{1f3fb}-\u{1f3ff}])*\s*){1,3}$/u;

export function MessageText(props: { text: string; edited: number | null }): JSX.Element {
  const text = createMemo(() => cleanText(props.text));
  const large = () => text().length < 50 && FEW_EMOJI.test(text());
  return (
    <div class={`remote message-text ${large() ? "text-3xl leading-snug" : ""}`} dir="auto">
      {soon()?.formatted(text()) ?? text()}
      {props.edited !== null && (
        <time
          class="ml-1.5 text-xs text-muted"
          datetime={isoTime(props.edited)}
          title={`Edited ${fullTime(props.edited)}`}
        >
          (edited)
        </time>
      )}
    </div>
  );
}
