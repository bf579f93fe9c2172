/** All emoji, with a search: for a reaction to a message, or for what is being written. */
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { newNonce } from "../edge/nonce";
import { findEmoji, groups, type Emoji } from "../text/emoji";
import { insertIntoComposer } from "./composing";
import { useChat } from "./context";
import { Magnifier } from "./icons";
import { Modal } from "./Modal";

const FOUND_MAX = 120;

export function EmojiPicker(): JSX.Element {
  const { state, dispatch } = useChat();
  const overlay = state.overlay;
  const message = overlay.kind === "emoji" ? overlay.message : null;
  const [query, setQuery] = createSignal("");
  const [shown, setShown] = createSignal<Emoji | null>(null);
  const found = createMemo(() => (query().trim() === "" ? null : findEmoji(query(), FOUND_MAX)));
  let grid!: HTMLDivElement;
  const pick = (emoji: string) => {
    dispatch({ type: "overlay", overlay: { kind: "none" } });
    if (message !== null) dispatch({ type: "reacted", id: message, emoji, nonce: newNonce() });
    else insertIntoComposer(emoji);
  };
  const pickFirst = () => {
    const first = found()?.[0];
    if (first) pick(first.emoji);
  };
  return (
    <Modal label={message === null ? "Emoji" : "React with"} class="w-[22.5rem]">
      <div class="flex items-center gap-2.5 border-b border-line px-4">
        <Magnifier class="size-4.5 flex-none text-muted" />
        <input
          class="min-w-0 flex-1 bg-transparent py-3 outline-none placeholder:text-muted"
          type="text"
          aria-label="Search emoji"
          placeholder="Search"
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          autofocus
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === "Enter") pickFirst();
            else if (event.key === "ArrowDown") grid.querySelector("button")?.focus();
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <div
        ref={grid}
        class="h-72 max-h-[50vh] overflow-y-auto px-2 pb-2"
        onKeyDown={(event) => moveInGrid(event, grid)}
        onFocusIn={(event) => setShown(emojiOf(event.target))}
        onPointerOver={(event) => setShown(emojiOf(event.target) ?? shown())}
        onClick={(event) => {
          const one = emojiOf(event.target);
          if (one) pick(one.emoji);
        }}
      >
        <Show
          when={found()}
          fallback={<For each={groups}>{(group) => <Group name={group.name} emoji={group.emoji} />}</For>}
        >
          {(some) => (
            <Show when={some().length > 0} fallback={<NoneFound />}>
              <Group name="Found" emoji={some()} />
            </Show>
          )}
        </Show>
      </div>
      <p class="flex h-10 items-center gap-2 border-t border-line px-4 text-sm text-muted" aria-hidden="true">
        <Show when={shown()} fallback="Choose one">
          {(one) => (
            <>
              <span class="emoji text-xl">{one().emoji}</span>
              <span class="truncate">
                {one().description} <span class="text-xs">:{one().names[0]}:</span>
              </span>
            </>
          )}
        </Show>
      </p>
    </Modal>
  );
}

/** What an element of the grid stands for. */
const emojiOfButton = new WeakMap<Element, Emoji>();

function emojiOf(target: EventTarget | null): Emoji | null {
  const button = (target as Element | null)?.closest("button");
  return (button && emojiOfButton.get(button)) ?? null;
}

function Group(props: { name: string; emoji: Emoji[] }): JSX.Element {
  return (
    <section class="emoji-group" aria-label={props.name}>
      <h3 class="sticky top-0 z-10 bg-raised px-1 py-1.5 text-xs font-semibold text-muted">{props.name}</h3>
      <div class="grid grid-cols-[repeat(auto-fill,minmax(2.5rem,1fr))]">
        <For each={props.emoji}>
          {(one, index) => (
            <button
              ref={(button) => emojiOfButton.set(button, one)}
              class="emoji flex h-10 items-center justify-center rounded-lg text-2xl hover:bg-hover focus-visible:bg-hover"
              aria-label={one.description}
              tabindex={index() === 0 ? 0 : -1}
            >
              {one.emoji}
            </button>
          )}
        </For>
      </div>
    </section>
  );
}

function NoneFound(): JSX.Element {
  return (
    <p class="px-2 py-6 text-center text-sm text-muted" role="status">
      No emoji is called that.
    </p>
  );
}

/** The arrows go through the grid as it is drawn; Tab from group to group. */
function moveInGrid(event: KeyboardEvent, grid: HTMLElement): void {
  const from = event.target as HTMLElement;
  const all = [...grid.querySelectorAll<HTMLElement>("button")];
  const at = all.indexOf(from);
  if (at < 0) return;
  const to = target(event.key, all, at);
  if (to === undefined) return;
  event.preventDefault();
  if (to === null) grid.closest("dialog")?.querySelector("input")?.focus();
  else to.focus();
}

/** Null: back to the search. */
function target(key: string, all: HTMLElement[], at: number): HTMLElement | null | undefined {
  switch (key) {
    case "ArrowLeft":
      return all[at - 1];
    case "ArrowRight":
      return all[at + 1];
    case "ArrowDown":
      return nearestBelow(all.slice(at + 1), all[at] as HTMLElement);
    case "ArrowUp":
      return nearestBelow(all.slice(0, at).reverse(), all[at] as HTMLElement) ?? null;
    default:
      return undefined;
  }
}

/** Of the next row, which is the first whose height is another, the one that is nearest. */
function nearestBelow(others: HTMLElement[], from: HTMLElement): HTMLElement | undefined {
  const here = from.getBoundingClientRect();
  let best: HTMLElement | undefined;
  let distance = Infinity;
  let row: number | null = null;
  for (const other of others) {
    const box = other.getBoundingClientRect();
    if (Math.abs(box.top - here.top) < 2) continue;
    row ??= box.top;
    if (Math.abs(box.top - row) > 2) break;
    if (Math.abs(box.left - here.left) < distance) {
      best = other;
      distance = Math.abs(box.left - here.left);
    }
  }
  return best;
}
