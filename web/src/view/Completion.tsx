/** Completing what is typed: names behind `@`, rooms behind `#`, emoji behind `:`. */
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import type { Room } from "../machine/state";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import type { Trigger } from "../text/trigger";
import { completions, type EmojiTable, type Option } from "./completions";
import { replaceIn } from "./composing";
import { useChat } from "./context";

export interface CompletionProps {
  room: Room;
  trigger: Trigger;
  area: HTMLTextAreaElement;
  /** What the composer asks before it takes a key itself. */
  listen: (takes: ((event: KeyboardEvent) => boolean) | null) => void;
  close: () => void;
}

const NAMES = { mention: "People", room: "Rooms", emoji: "Emoji" };

export function Completion(props: CompletionProps): JSX.Element {
  const { state } = useChat();
  const [picked, setPicked] = createSignal(0);
  const [emoji, setEmoji] = createSignal<EmojiTable | null>(null);
  createEffect(() => {
    if (props.trigger.kind !== "emoji" || emoji() !== null) return;
    // Without the table what was typed stays as it is.
    import("../text/emoji").then(
      (table) => setEmoji(() => table),
      () => undefined,
    );
  });
  const found = createMemo(() => completions(state, props.room, props.trigger, emoji()));
  let list: HTMLUListElement | undefined;
  createEffect(
    on(
      () => props.trigger.query,
      () => setPicked(0),
      { defer: true },
    ),
  );
  const take = (option: Option) => {
    const { area, trigger } = props;
    const end = trigger.from + 1 + trigger.query.length + Number(trigger.closed);
    props.close();
    area.focus();
    replaceIn(area, trigger.from, end, `${option.text} `);
  };
  // A name between two colons is meant as it is.
  createEffect(() => {
    const [only] = found();
    if (props.trigger.closed && only) take(only);
  });
  const takesKey = (event: KeyboardEvent): boolean => {
    const count = found().length;
    if (count === 0 || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown") setPicked((at) => (at + 1) % count);
    else if (event.key === "ArrowUp") setPicked((at) => (at + count - 1) % count);
    else if (event.key === "Escape") props.close();
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey)
      take(found()[picked()] as Option);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  props.listen(takesKey);
  createEffect(() => {
    const open = found().length > 0;
    const { area } = props;
    attribute(area, "aria-controls", open ? "completion" : null);
    attribute(area, "aria-activedescendant", open ? `completion-${picked()}` : null);
    picked();
    list?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });
  onCleanup(() => {
    props.listen(null);
    for (const name of ["aria-controls", "aria-activedescendant"]) attribute(props.area, name, null);
  });
  return (
    <Show when={found().length > 0 && !props.trigger.closed}>
      <div class="absolute bottom-full left-2 z-20 mb-1 w-80 max-w-[calc(100%-1rem)] rounded-xl border border-line bg-raised shadow-float sm:left-4">
        <ul
          ref={list}
          id="completion"
          role="listbox"
          aria-label={NAMES[props.trigger.kind]}
          class="max-h-[min(25rem,50dvh)] overflow-y-auto p-1.5"
        >
          <For each={found()}>
            {(option, index) => (
              <li
                id={`completion-${index()}`}
                role="option"
                aria-selected={picked() === index()}
                class={`flex min-h-9 cursor-pointer items-center gap-2.5 rounded-lg px-2 py-1 text-sm pointer-coarse:min-h-11 ${picked() === index() ? "bg-accent-soft" : ""}`}
                onPointerMove={() => setPicked(index())}
                // The text keeps the focus.
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => take(option)}
              >
                <OptionView option={option} />
              </li>
            )}
          </For>
        </ul>
        <p class="sr-only" role="status">
          {found().length === 1 ? "1 suggestion" : `${found().length} suggestions`}
        </p>
      </div>
    </Show>
  );
}

function OptionView(props: { option: Option }): JSX.Element {
  const option = props.option;
  return (
    <>
      {option.uid !== null ? (
        <span class={`avatar size-6 text-[11px] leading-6 ${colourClass(option.uid)}`} aria-hidden="true">
          {initial(option.name)}
        </span>
      ) : (
        <span class="emoji w-6 flex-none text-center text-lg leading-6 text-muted" aria-hidden="true">
          {option.sign}
        </span>
      )}
      <span class="remote min-w-0 truncate">{cleanLine(option.name)}</span>
      <span class="remote min-w-0 flex-1 truncate text-right text-xs text-muted">
        {cleanLine(option.about)}
      </span>
    </>
  );
}

function attribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}
