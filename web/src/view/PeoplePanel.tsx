/** Who is in the room; a click opens a direct conversation. */
import { createMemo, For, Show, type JSX } from "solid-js";
import type { UserRef } from "../protocol/frames";
import { peopleOf } from "../machine/presence";
import { isDirect, type Room } from "../machine/state";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { useChat } from "./context";
import { Close, Leave } from "./icons";

/** Names listed at once; of a crowd nobody reads all. */
const LISTED_MAX = 300;

export function PeoplePanel(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const people = createMemo(() => peopleOf(props.room));
  return (
    <Show when={!isDirect(props.room.name)}>
      <aside
        data-drawer="people"
        aria-label="People in this room"
        class={`z-30 flex w-56 flex-none flex-col border-l border-line bg-shade max-lg:fixed max-lg:inset-y-0 max-lg:right-0 max-lg:w-[17rem] max-lg:shadow-float ${state.drawer === "people" ? "" : "max-lg:hidden"}`}
      >
        <div class="flex h-14 flex-none items-center px-4">
          <h2 class="flex-1 font-semibold">
            People <span class="font-normal text-muted">{props.room.total}</span>
          </h2>
          <button
            class="icon-button lg:hidden"
            aria-label="Close people"
            onClick={() => dispatch({ type: "drawer", which: "none" })}
          >
            <Close />
          </button>
        </div>
        <ul aria-label="People" class="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
          <For each={people().slice(0, LISTED_MAX)}>{(person) => <Person person={person} />}</For>
          <Show when={props.room.total > Math.min(people().length, LISTED_MAX)}>
            <li class="px-2 py-1.5 text-sm text-muted">
              and {props.room.total - Math.min(people().length, LISTED_MAX)} more
            </li>
          </Show>
        </ul>
        <div class="border-t border-line p-2 sm:hidden">
          <button
            class="flex w-full items-center gap-2 rounded-lg px-2 py-1.5 text-left text-sm hover:bg-hover"
            onClick={() => dispatch({ type: "room_left", room: props.room.name })}
          >
            <Leave /> Leave this room
          </button>
        </div>
      </aside>
    </Show>
  );
}

function Person(props: { person: UserRef }): JSX.Element {
  const { state, dispatch } = useChat();
  const self = () => props.person.uid === state.me?.uid;
  return (
    <li>
      <button
        disabled={self()}
        class="flex w-full items-center gap-2.5 rounded-lg px-2 py-1 text-left enabled:hover:bg-hover"
        title={self() ? undefined : `Write to ${cleanLine(props.person.name)}`}
        onClick={() => dispatch({ type: "room_opened", room: `@${props.person.name}` })}
      >
        <span
          class={`avatar size-7 text-xs leading-7 ${colourClass(props.person.uid)} ${props.person.away ? "opacity-50" : ""}`}
          aria-hidden="true"
        >
          {initial(props.person.name)}
        </span>
        <span class={`remote min-w-0 flex-1 truncate text-sm ${props.person.away ? "text-muted" : ""}`}>
          {cleanLine(props.person.name)}
          <Show when={self()}>
            <span class="text-muted"> (you)</span>
          </Show>
        </span>
        <Show when={props.person.away}>
          <span class="text-xs text-muted">away</span>
        </Show>
      </button>
    </li>
  );
}
