/** Who is in the room; a click opens a direct conversation. */
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { UserRef } from "../protocol/frames";
import { peopleOf } from "../machine/presence";
import { isDirect, type Room } from "../machine/state";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { useChat } from "./context";
import { Close, Leave } from "./icons";

/** Names listed at first, and how many more when the list is scrolled to its end: of a crowd few read all. */
const LISTED_STEP = 60;
/** How near to the end of the list more is listed, in pixels. */
const END_NEAR_PX = 600;

export function PeoplePanel(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const [most, setMost] = createSignal(LISTED_STEP);
  const people = createMemo(() => peopleOf(props.room).slice(0, most()));
  // By who they are: somebody who goes away for a moment, or has another name, stays the same button.
  const uids = createMemo(() => people().map((person) => person.uid));
  const more = () => props.room.total - people().length;
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
        <ul
          aria-label="People"
          class="min-h-0 flex-1 overflow-y-auto px-2 pb-4"
          onScroll={({ currentTarget: list }) => {
            const below = list.scrollHeight - list.scrollTop - list.clientHeight;
            if (below < END_NEAR_PX && most() < props.room.users.length) setMost(most() + LISTED_STEP);
          }}
        >
          <For each={uids()}>{(uid) => <Person room={props.room} uid={uid} />}</For>
          <Show when={more() > 0}>
            <li class="px-2 py-1.5 text-sm text-muted">and {more()} more</li>
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

function Person(props: { room: Room; uid: string }): JSX.Element {
  const { state, dispatch } = useChat();
  // Who goes is shown as they were until the list is without them.
  const person = createMemo<UserRef>((was) => props.room.users.byId(props.uid) ?? was, {
    name: "",
    uid: props.uid,
  });
  const self = () => props.uid === state.me?.uid;
  return (
    <li>
      <button
        disabled={self()}
        class="flex w-full items-center gap-2.5 rounded-lg px-2 py-1 text-left enabled:hover:bg-hover"
        title={self() ? undefined : `Write to ${cleanLine(person().name)}`}
        onClick={() => dispatch({ type: "room_opened", room: `@${person().name}` })}
      >
        <span
          class={`avatar size-7 text-xs leading-7 ${colourClass(props.uid)} ${person().away ? "opacity-50" : ""}`}
          aria-hidden="true"
        >
          {initial(person().name)}
        </span>
        <span class={`remote min-w-0 flex-1 truncate text-sm ${person().away ? "text-muted" : ""}`}>
          {cleanLine(person().name)}
          <Show when={self()}>
            <span class="text-muted"> (you)</span>
          </Show>
        </span>
        <Show when={person().away}>
          <span class="text-xs text-muted">away</span>
        </Show>
      </button>
    </li>
  );
}
