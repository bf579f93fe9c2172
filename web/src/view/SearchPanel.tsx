/** Searching what was said, beside the room; on a narrow screen, over it. */
import { createEffect, createSignal, For, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import { isDirect } from "../machine/state";
import type { MessageView } from "../protocol/frames";
import { cleanLine, cleanText } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { marked } from "../text/marked";
import { clockTime, dayName, fullTime, isoTime } from "../text/time";
import { useChat } from "./context";
import { Close, Magnifier } from "./icons";
import { excerpt } from "./soon";

export function SearchPanel(): JSX.Element {
  const { state, dispatch } = useChat();
  const search = state.search;
  const [query, setQuery] = createSignal(search.query);
  const [here, setHere] = createSignal(search.room !== null);
  let input!: HTMLInputElement;
  const before = document.activeElement;
  const close = () => dispatch({ type: "overlay", overlay: { kind: "none" } });
  const ask = () => dispatch({ type: "search_asked", query: query(), room: here() ? state.current : null });
  onMount(() => {
    input.focus();
    input.select();
  });
  onCleanup(() => {
    queueMicrotask(() => {
      if (document.activeElement !== document.body) return;
      const back = before instanceof HTMLElement && before.isConnected ? before : null;
      (back ?? document.querySelector<HTMLElement>("[data-composer]"))?.focus({ preventScroll: true });
    });
  });
  createEffect(on(here, () => query().trim() !== "" && ask(), { defer: true }));
  return (
    <aside
      aria-label="Search"
      class="z-30 flex w-88 flex-none flex-col border-l border-line bg-shade max-lg:fixed max-lg:inset-y-0 max-lg:right-0 max-lg:shadow-float max-sm:w-full"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <div class="flex h-14 flex-none items-center gap-2 pr-2 pl-4">
        <h2 class="flex-1 font-semibold">Search</h2>
        <button class="icon-button" aria-label="Close search" onClick={close}>
          <Close />
        </button>
      </div>
      <form
        role="search"
        class="flex-none px-4 pb-3"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <div class="field flex items-center gap-1 pl-2.5">
          <Magnifier class="size-4.5 flex-none text-muted" />
          <input
            ref={input}
            class="min-w-0 flex-1 bg-transparent px-1 py-1.5 outline-none placeholder:text-muted"
            type="text"
            enterkeyhint="search"
            aria-label="Words to find"
            aria-describedby="search-help"
            placeholder="Words, “a phrase”, from:name"
            autocomplete="off"
            value={query()}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
          <button
            type="submit"
            class="m-0.5 h-8 flex-none rounded-lg bg-accent px-3 text-sm font-semibold text-accent-ink hover:opacity-90"
          >
            Find
          </button>
        </div>
        <label class="mt-2 flex min-h-6 items-center gap-2 text-sm text-muted">
          <input
            type="checkbox"
            class="size-4 accent-(--accent)"
            checked={here()}
            onChange={(event) => setHere(event.currentTarget.checked)}
          />
          <span class="remote min-w-0 truncate">
            Only in {isDirect(state.current) ? cleanLine(state.current) : `#${cleanLine(state.current)}`}
          </span>
        </label>
      </form>
      <Found query={search.query} />
    </aside>
  );
}

function Found(props: { query: string }): JSX.Element {
  const { state, dispatch } = useChat();
  const search = state.search;
  const asked = () => search.phase === "asked";
  const words = () => {
    if (asked() && search.results.length === 0) return "Searching…";
    if (search.phase === "idle" || search.problem !== null) return "";
    const count = search.results.length;
    if (count === 0) return "Nothing was found.";
    return `${count}${search.more ? " and more" : ""} found, newest first`;
  };
  return (
    <div
      class="min-h-0 flex-1 overflow-y-auto border-t border-line pb-4"
      tabindex="0"
      role="group"
      aria-label="Results"
    >
      <p class="px-4 pt-2.5 pb-1 text-[13px] text-muted" role="status">
        {words()}
      </p>
      <Show when={search.problem}>
        {(problem) => (
          <p class="remote mx-4 my-1 rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn" role="alert">
            {cleanText(problem())}
          </p>
        )}
      </Show>
      <Show when={search.partial}>
        <p class="px-4 pb-1 text-[13px] text-muted">
          The server has not read everything for searching yet. Search again soon, there may be more.
        </p>
      </Show>
      <Show when={search.phase === "idle"}>
        <Help />
      </Show>
      <ol class="px-2">
        <For each={search.results}>{(found) => <Result found={found} query={props.query} />}</For>
      </ol>
      <Show when={search.more}>
        <button
          class="mx-4 mt-2 min-h-9 rounded-lg border border-line px-3 py-1 text-sm font-medium hover:bg-hover disabled:text-muted"
          disabled={asked()}
          onClick={() => dispatch({ type: "search_more" })}
        >
          {asked() ? "Searching…" : "Show older ones"}
        </button>
      </Show>
    </div>
  );
}

function Help(): JSX.Element {
  const EXAMPLES: [string, string][] = [
    ["disk full", "both words"],
    ["“disk full”", "one phrase"],
    ["deploy*", "words that begin so"],
    ["from:alice", "who wrote it"],
    ["room:ops", "where"],
    ["before:2026-01-31", "before that day"],
    ["after:2026-01-01", "since that day"],
  ];
  return (
    <dl id="search-help" class="px-4 pt-1 text-sm">
      <For each={EXAMPLES}>
        {([typed, is]) => (
          <div class="flex gap-3 py-0.5">
            <dt class="w-40 flex-none font-mono text-[13px]">{typed}</dt>
            <dd class="text-muted">{is}</dd>
          </div>
        )}
      </For>
    </dl>
  );
}

function Result(props: { found: MessageView; query: string }): JSX.Element {
  const { dispatch } = useChat();
  const found = props.found;
  const room = () => (isDirect(found.room) ? cleanLine(found.room) : `#${cleanLine(found.room)}`);
  const go = () => {
    // On a narrow screen the panel lies over the room.
    if (!matchMedia("(min-width: 64rem)").matches) dispatch({ type: "overlay", overlay: { kind: "none" } });
    dispatch({ type: "message_wanted", room: found.room, id: found.id, ts: found.ts });
  };
  return (
    <li>
      <button
        class="flex w-full gap-2.5 rounded-lg px-2 py-2 text-left hover:bg-hover"
        aria-label={`${cleanLine(found.from)} in ${room()}, ${fullTime(found.ts)}: ${excerpt(found.text ?? "")}`}
        onClick={go}
      >
        <span class={`avatar mt-0.5 size-7 text-xs leading-7 ${colourClass(found.uid)}`} aria-hidden="true">
          {initial(found.from)}
        </span>
        <span class="min-w-0 flex-1">
          <span class="flex items-baseline gap-2 text-[13px]">
            <span class={`remote min-w-0 truncate font-semibold ${colourClass(found.uid)}`}>
              {cleanLine(found.from)}
            </span>
            <span class="remote min-w-0 truncate text-muted">{room()}</span>
            <time
              class="ml-auto flex-none text-xs text-muted"
              datetime={isoTime(found.ts)}
              title={fullTime(found.ts)}
            >
              {dayName(found.ts, Date.now())}, {clockTime(found.ts)}
            </time>
          </span>
          <span class="remote line-clamp-4 text-sm" dir="auto">
            <For each={marked(excerpt(found.text ?? ""), props.query)}>
              {(cut) => (cut.hit ? <mark>{cut.text}</mark> : cut.text)}
            </For>
          </span>
        </span>
      </button>
    </li>
  );
}
