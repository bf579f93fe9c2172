/** Going to a room, a conversation or a person by a few letters of their name. */
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { useChat } from "./context";
import { Magnifier } from "./icons";
import { Modal } from "./Modal";
import { places, type Place } from "./places";

const SHOWN_MAX = 50;

export function Switcher(): JSX.Element {
  const { state, dispatch } = useChat();
  const [query, setQuery] = createSignal("");
  const [picked, setPicked] = createSignal(0);
  const found = createMemo(() => places(state, query()).slice(0, SHOWN_MAX));
  let list!: HTMLUListElement;
  createEffect(on(query, () => setPicked(0), { defer: true }));
  createEffect(() => {
    picked();
    found();
    list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const go = (place: Place | undefined) => {
    if (!place) return;
    dispatch({ type: "overlay", overlay: { kind: "none" } });
    dispatch({ type: "room_opened", room: place.room });
  };
  const step = (by: number) => {
    const count = found().length;
    if (count > 0) setPicked((at) => (at + by + count) % count);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter") go(found()[picked()]);
    else if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else return;
    event.preventDefault();
  };
  return (
    <Modal label="Go to" class="mt-[12vh] w-[34rem]">
      <div class="flex items-center gap-2.5 border-b border-line px-4">
        <Magnifier class="size-5 flex-none text-muted" />
        <input
          class="min-w-0 flex-1 bg-transparent py-3.5 text-base outline-none placeholder:text-muted"
          role="combobox"
          aria-label="Room or person"
          aria-expanded="true"
          aria-controls="switcher-list"
          aria-autocomplete="list"
          aria-activedescendant={found().length > 0 ? `switcher-${picked()}` : undefined}
          placeholder="Go to a room or a person"
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          autofocus
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul
        ref={list}
        id="switcher-list"
        role="listbox"
        aria-label="Rooms and people"
        class="max-h-[min(26rem,55vh)] overflow-y-auto p-2"
      >
        <For each={found()}>
          {(place, index) => (
            <li
              id={`switcher-${index()}`}
              role="option"
              aria-selected={picked() === index()}
              class={`flex min-h-10 cursor-pointer items-center gap-3 rounded-lg px-2.5 py-1.5 pointer-coarse:min-h-11 ${picked() === index() ? "bg-accent-soft" : ""}`}
              onPointerMove={() => setPicked(index())}
              onClick={() => go(place)}
            >
              <Mark place={place} />
              <span class="remote min-w-0 flex-1 truncate">
                <span class={place.unread > 0 ? "font-semibold" : ""}>{cleanLine(place.name)}</span>{" "}
                <span class="text-[13px] text-muted">{cleanLine(place.about)}</span>
              </span>
              <Show when={place.unread > 0}>
                <span class="rounded-full bg-accent px-1.5 text-xs font-semibold text-accent-ink">
                  {place.unread}
                  <span class="sr-only"> unread</span>
                </span>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <Show when={found().length === 0}>
        <p class="px-4 pb-4 text-sm text-muted" role="status">
          Nothing is called that.
        </p>
      </Show>
      <p class="border-t border-line px-4 py-2 text-xs text-muted max-sm:hidden" aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> to choose, <kbd>Enter</kbd> to go there, <kbd>Esc</kbd> to stay
      </p>
    </Modal>
  );
}

function Mark(props: { place: Place }): JSX.Element {
  return (
    <Show
      when={props.place.kind === "person"}
      fallback={
        <span class="w-7 flex-none text-center text-lg text-muted" aria-hidden="true">
          #
        </span>
      }
    >
      <span
        class={`avatar size-7 text-xs leading-7 ${colourClass(props.place.uid ?? props.place.name)}`}
        aria-hidden="true"
      >
        {initial(props.place.name)}
      </span>
    </Show>
  );
}
