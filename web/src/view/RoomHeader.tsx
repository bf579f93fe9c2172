/** The open room's name and topic, and the state of the link. */
import { createSignal, Show, type JSX } from "solid-js";
import { isDirect, type Room } from "../machine/state";
import { cleanLine } from "../text/clean";
import { Connection } from "./Connection";
import { useChat } from "./context";
import { Close, Magnifier, Menu, People } from "./icons";

/** Unicode scalar values of a topic that a node takes. */
const TOPIC_CHARS_MAX = 300;

export function RoomHeader(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const direct = () => isDirect(props.room.name);
  const unread = () => state.rooms.some((room) => room.unread > 0 && room.name !== state.current);
  return (
    <header class="flex h-14 flex-none items-center gap-2 border-b border-line px-2 sm:px-4">
      <button
        class="icon-button relative md:hidden"
        aria-label="Show rooms"
        aria-expanded={state.drawer === "rooms"}
        onClick={() => dispatch({ type: "drawer", which: "rooms" })}
      >
        <Menu />
        <Show when={unread()}>
          <span class="absolute top-1.5 right-1.5 size-2 rounded-full bg-accent" aria-hidden="true" />
        </Show>
      </button>
      <div class="flex min-w-0 flex-1 flex-col sm:flex-row sm:items-baseline sm:gap-3">
        <h1 class="remote min-w-0 max-w-full truncate text-[17px] leading-tight font-semibold">
          <span class="font-normal text-muted" aria-hidden="true">
            {direct() ? "@" : "#"}
          </span>
          {cleanLine(direct() ? props.room.name.slice(1) : props.room.name)}
        </h1>
        <Show when={!direct()}>
          <Topic room={props.room} />
        </Show>
      </div>
      <Connection />
      <button
        class="icon-button"
        aria-label="Search messages"
        aria-expanded={state.overlay.kind === "search"}
        title="Search (Ctrl+Shift+F)"
        onClick={() =>
          dispatch({
            type: "overlay",
            overlay: { kind: state.overlay.kind === "search" ? "none" : "search" },
          })
        }
      >
        <Magnifier />
      </button>
      <Show when={!direct()}>
        <button
          class="icon-button lg:hidden"
          aria-label={`Show people, ${props.room.total} online`}
          aria-expanded={state.drawer === "people"}
          onClick={() => dispatch({ type: "drawer", which: "people" })}
        >
          <People />
        </button>
      </Show>
      <button
        class={`icon-button ${direct() ? "" : "max-sm:hidden"}`}
        aria-label={direct() ? "Close conversation" : "Leave room"}
        title={direct() ? "Close conversation" : "Leave room"}
        onClick={() => dispatch({ type: "room_left", room: props.room.name })}
      >
        <Close class="size-4.5" />
      </button>
    </header>
  );
}

function Topic(props: { room: Room }): JSX.Element {
  const { dispatch } = useChat();
  const [editing, setEditing] = createSignal(false);
  const finish = (text: string | null) => {
    if (!editing()) return;
    setEditing(false);
    if (text !== null) dispatch({ type: "topic_set", topic: text });
  };
  return (
    <Show
      when={editing()}
      fallback={
        <button
          class={`remote min-w-0 truncate rounded text-left text-sm text-muted hover:text-ink ${props.room.topic === "" ? "max-sm:hidden" : "max-sm:text-xs"}`}
          title={props.room.topic === "" ? "Set a topic" : cleanLine(props.room.topic)}
          onClick={() => setEditing(true)}
        >
          {props.room.topic === "" ? "Set a topic" : cleanLine(props.room.topic)}
        </button>
      }
    >
      <input
        ref={(element) => queueMicrotask(() => element.select())}
        class="field min-w-0 flex-1 px-2 py-0.5 text-sm"
        aria-label="Topic"
        maxlength={TOPIC_CHARS_MAX}
        value={props.room.topic}
        onBlur={() => finish(null)}
        onKeyDown={(event) => {
          if (event.key === "Enter") finish(event.currentTarget.value);
          if (event.key === "Escape") finish(null);
        }}
      />
    </Show>
  );
}
