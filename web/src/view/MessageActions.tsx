/** What can be done with a message; shown on the one that is pointed at or focused. */
import { createSignal, For, Show, type JSX } from "solid-js";
import { newNonce } from "../edge/nonce";
import type { Message } from "../machine/state";
import { useChat } from "./context";
import { Bin, Pencil, Reply } from "./icons";

const REACTIONS = [
  ["👍", "thumbs up"],
  ["❤️", "heart"],
  ["😂", "laughing"],
  ["🎉", "party"],
] as const;

export function MessageActions(props: { message: Message; own: boolean }): JSX.Element {
  const { dispatch } = useChat();
  const [sure, setSure] = createSignal(false);
  const id = () => props.message.id;
  return (
    <div
      role="toolbar"
      aria-label="Actions for this message"
      class="absolute -top-4 right-3 z-10 flex rounded-xl border border-line bg-raised p-0.5 shadow-float"
    >
      <For each={REACTIONS}>
        {([emoji, name], index) => (
          <button
            class={`icon-button emoji size-8 text-base ${index() > 1 ? "max-sm:hidden" : ""}`}
            aria-label={`React with ${name}`}
            title={`React with ${name}`}
            onClick={() => dispatch({ type: "reacted", id: id(), emoji, nonce: newNonce() })}
          >
            {emoji}
          </button>
        )}
      </For>
      <button
        class="icon-button size-8"
        aria-label="Reply"
        title="Reply"
        onClick={() => dispatch({ type: "reply_started", id: id() })}
      >
        <Reply class="size-4.5" />
      </button>
      <Show when={props.own}>
        <button
          class="icon-button size-8"
          aria-label="Edit"
          title="Edit"
          onClick={() => dispatch({ type: "edit_started", id: id() })}
        >
          <Pencil class="size-4.5" />
        </button>
        <Show
          when={sure()}
          fallback={
            <button
              class="icon-button size-8"
              aria-label="Delete"
              title="Delete"
              onClick={() => setSure(true)}
            >
              <Bin class="size-4.5" />
            </button>
          }
        >
          <button
            ref={(element) => queueMicrotask(() => element.focus())}
            class="rounded-lg bg-bad-soft px-2 text-sm font-semibold text-bad"
            onBlur={() => setSure(false)}
            onClick={(event) => {
              // What can be done with the message goes away; the keyboard stays at it.
              event.currentTarget.closest("article")?.focus();
              dispatch({ type: "deleted", id: id(), nonce: newNonce() });
            }}
          >
            Delete for good
          </button>
        </Show>
      </Show>
    </div>
  );
}
