/** The text of a message. It is only ever put in as text. */
import { createMemo, For, Show, type JSX } from "solid-js";
import { cleanText } from "../text/clean";
import { splitLinks } from "../text/links";

/** One to three emoji and nothing else are shown large. */
const FEW_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d\p{Extended_Pictographic}|[\u{1f3fb}-\u{1f3ff}])*\s*){1,3}$/u;

export function MessageText(props: { text: string; edited: boolean }): JSX.Element {
  const text = createMemo(() => cleanText(props.text));
  return (
    <div
      class={`remote message-text ${text().length < 50 && FEW_EMOJI.test(text()) ? "text-3xl leading-snug" : ""}`}
      dir="auto"
    >
      <For each={splitLinks(text())}>
        {(piece) =>
          piece.kind === "text" ? (
            piece.text
          ) : (
            <a
              class="text-accent underline underline-offset-2"
              href={piece.href}
              target="_blank"
              rel="noopener noreferrer"
            >
              {piece.text}
            </a>
          )
        }
      </For>
      <Show when={props.edited}>
        <span class="ml-1.5 text-xs text-muted">(edited)</span>
      </Show>
    </div>
  );
}
