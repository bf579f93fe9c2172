/** What can be done with a message; shown on the one that is pointed at or focused. */
import { createSignal, For, onMount, Show, type JSX } from "solid-js";
import { newNonce } from "../edge/nonce";
import type { Message } from "../machine/state";
import { useChat } from "./context";
import { Bin, Copy, Pencil, Reply, Smile } from "./icons";

/** Within reach at once; on a narrow screen only the first, and all others by the picker. */
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
  let bar!: HTMLDivElement;
  onMount(() => {
    // Over the first row in view there is no room above it.
    const log = bar.closest('[role="log"]');
    if (log && bar.getBoundingClientRect().top < log.getBoundingClientRect().top) bar.style.top = "0.25rem";
  });
  return (
    <div
      ref={bar}
      role="toolbar"
      aria-label="Actions for this message"
      class="absolute -top-4 right-3 z-10 flex rounded-xl border border-line bg-raised p-0.5 shadow-float pointer-coarse:-top-8"
      onKeyDown={moveAlong}
    >
      <Show
        when={!sure()}
        fallback={<AreYouSure message={props.message} bar={bar} keep={() => setSure(false)} />}
      >
        <For each={REACTIONS}>
          {([emoji, name], index) => (
            <button
              class={`tool emoji text-base ${index() > 0 ? "max-sm:hidden" : ""}`}
              aria-label={`React with ${name}`}
              title={`React with ${name}`}
              onClick={() => dispatch({ type: "reacted", id: id(), emoji, nonce: newNonce() })}
            >
              {emoji}
            </button>
          )}
        </For>
        <button
          class="tool"
          aria-label="More reactions"
          aria-haspopup="dialog"
          title="More reactions"
          onClick={() => dispatch({ type: "overlay", overlay: { kind: "emoji", message: id() } })}
        >
          <Smile class="size-4.5" />
        </button>
        <button
          class="tool"
          aria-label="Reply"
          title="Reply"
          onClick={() => dispatch({ type: "reply_started", id: id() })}
        >
          <Reply class="size-4.5" />
        </button>
        <button
          class="tool"
          aria-label="Copy text"
          title="Copy text"
          onClick={() => dispatch({ type: "copy_asked", text: props.message.text })}
        >
          <Copy class="size-4.5" />
        </button>
        <Show when={props.own}>
          <button
            class="tool"
            aria-label="Edit"
            title="Edit"
            onClick={() => dispatch({ type: "edit_started", id: id() })}
          >
            <Pencil class="size-4.5" />
          </button>
          <button class="tool" aria-label="Delete" title="Delete" onClick={() => setSure(true)}>
            <Bin class="size-4.5" />
          </button>
        </Show>
      </Show>
    </div>
  );
}

/** A deletion is for good, so it is asked for twice; the second time the keyboard is on it, and Escape keeps the message. */
function AreYouSure(props: { message: Message; bar: HTMLElement; keep: () => void }): JSX.Element {
  const { dispatch } = useChat();
  const row = () => props.bar.closest<HTMLElement>("article");
  const keep = () => {
    props.keep();
    queueMicrotask(() => props.bar.querySelector<HTMLElement>('[aria-label="Delete"]')?.focus());
  };
  return (
    <div
      class="flex"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        keep();
      }}
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) props.keep();
      }}
    >
      <button
        ref={(element) => queueMicrotask(() => element.focus())}
        class="h-8 rounded-lg bg-bad-soft px-2.5 text-sm font-semibold text-bad pointer-coarse:h-11"
        onClick={() => {
          // The button goes with the deletion; the row stays.
          row()?.focus();
          dispatch({ type: "deleted", id: props.message.id, nonce: newNonce() });
        }}
      >
        Delete for good
      </button>
      <button
        class="h-8 rounded-lg px-2.5 text-sm hover:bg-hover pointer-coarse:h-11"
        // Safari gives buttons no focus when they are clicked: then this one would be gone before the click.
        onPointerDown={(event) => event.preventDefault()}
        onClick={keep}
      >
        Keep
      </button>
    </div>
  );
}

/** Left and right go along a toolbar, beside Tab. */
function moveAlong(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (by === 0) return;
  const all = [...event.currentTarget.querySelectorAll("button")].filter((one) => one.offsetParent !== null);
  const next = all[all.indexOf(document.activeElement as HTMLButtonElement) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
