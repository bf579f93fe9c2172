/** The rooms one is in, direct conversations, and those one could go to; below them the user and the switches. */
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { isDirect, type Room } from "../machine/state";
import { cleanLine } from "../text/clean";
import { colourClass, initial } from "../text/colour";
import { useChat } from "./context";
import { Close, Leave, Logo, Plus, Signpost } from "./icons";
import { NotifyButton, SoundButton, ThemeButton } from "./Switches";

export function RoomsPanel(): JSX.Element {
  const { state, dispatch } = useChat();
  const rooms = createMemo(() => state.rooms.filter((room) => !isDirect(room.name)).sort(byName));
  const directs = createMemo(() => state.rooms.filter((room) => isDirect(room.name)).sort(byName));
  return (
    <aside
      data-drawer="rooms"
      aria-label="Rooms and settings"
      class={`z-30 flex w-64 flex-none flex-col border-r border-line bg-shade max-md:fixed max-md:inset-y-0 max-md:left-0 max-md:w-[17rem] max-md:shadow-float ${state.drawer === "rooms" ? "" : "max-md:hidden"}`}
    >
      <div class="flex h-14 flex-none items-center gap-2.5 px-4">
        <Logo />
        <span class="flex-1 text-lg font-semibold tracking-tight">chat</span>
        <button
          class="icon-button -mr-2 max-md:mr-0"
          aria-label="Go to a room or a person"
          aria-haspopup="dialog"
          title="Go to a room or a person (Ctrl+K)"
          onClick={() => dispatch({ type: "overlay", overlay: { kind: "switcher" } })}
        >
          <Signpost />
        </button>
        <button
          class="icon-button md:hidden"
          aria-label="Close rooms"
          onClick={() => dispatch({ type: "drawer", which: "none" })}
        >
          <Close />
        </button>
      </div>
      <nav aria-label="Rooms" class="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
        <h2 class="px-2 pt-2 pb-1 text-xs font-semibold text-muted">Rooms</h2>
        <ul>
          <For each={rooms()}>{(room) => <RoomLink room={room} />}</For>
        </ul>
        <OpenRoom />
        <Show when={directs().length > 0}>
          <h2 class="px-2 pt-4 pb-1 text-xs font-semibold text-muted">Direct messages</h2>
          <ul>
            <For each={directs()}>{(room) => <RoomLink room={room} />}</For>
          </ul>
        </Show>
        <Show when={state.others.length > 0}>
          <h2 class="px-2 pt-4 pb-1 text-xs font-semibold text-muted">More rooms</h2>
          <ul>
            <For each={state.others}>
              {(other) => (
                <li>
                  <a
                    href={`#${encodeURIComponent(other.name)}`}
                    class="flex items-center gap-2 rounded-lg px-2 py-1.5 text-muted hover:bg-hover hover:text-ink"
                    onClick={(event) => {
                      event.preventDefault();
                      dispatch({ type: "room_opened", room: other.name });
                    }}
                  >
                    <span aria-hidden="true">#</span>
                    <span class="remote min-w-0 flex-1 truncate">{cleanLine(other.name)}</span>
                    <span class="text-xs" title="People online">
                      {other.total}
                    </span>
                  </a>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </nav>
      <Foot />
    </aside>
  );
}

function byName(a: Room, b: Room): number {
  return a.name < b.name ? -1 : 1;
}

function RoomLink(props: { room: Room }): JSX.Element {
  const { state, dispatch } = useChat();
  const open = () => state.current === props.room.name;
  const direct = () => isDirect(props.room.name);
  return (
    <li>
      <a
        href={`#${encodeURIComponent(props.room.name)}`}
        aria-current={open() ? "page" : undefined}
        class={`flex items-center gap-2 rounded-lg px-2 py-1.5 ${open() ? "bg-accent-soft font-medium text-accent" : props.room.unread > 0 ? "font-semibold hover:bg-hover" : "text-muted hover:bg-hover hover:text-ink"}`}
        onClick={(event) => {
          event.preventDefault();
          dispatch({ type: "room_opened", room: props.room.name });
        }}
      >
        <span aria-hidden="true" class="w-3 text-center opacity-70">
          {direct() ? "@" : "#"}
        </span>
        <span class="remote min-w-0 flex-1 truncate">
          {cleanLine(direct() ? props.room.name.slice(1) : props.room.name)}
        </span>
        <Show when={props.room.unread > 0}>
          <span class="rounded-full bg-accent px-1.5 py-px text-xs font-semibold text-accent-ink">
            {props.room.unread > 999 ? "999+" : props.room.unread}
            <span class="sr-only"> unread</span>
          </span>
        </Show>
      </a>
    </li>
  );
}

function OpenRoom(): JSX.Element {
  const { state, dispatch } = useChat();
  const [name, setName] = createSignal("");
  return (
    <form
      class="mt-1 flex items-center gap-1 px-1"
      onSubmit={(event) => {
        event.preventDefault();
        if (name().trim() === "") return;
        dispatch({ type: "room_opened", room: name() });
        setName("");
      }}
    >
      <input
        class="field min-w-0 flex-1 px-2.5 py-1 text-sm"
        aria-label="Room to join or create"
        placeholder="Join or create a room"
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
        maxlength={state.limits.room + 1}
        value={name()}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" class="icon-button" aria-label="Open room">
        <Plus />
      </button>
    </form>
  );
}

function Foot(): JSX.Element {
  const { state } = useChat();
  const name = () => cleanLine(state.me?.name ?? state.name ?? "");
  return (
    <div class="border-t border-line p-2">
      <div class="flex items-center">
        <span
          class={`avatar ml-1 size-8 text-sm leading-8 ${colourClass(state.me?.uid ?? "")}`}
          aria-hidden="true"
        >
          {initial(name())}
        </span>
        <span class="remote min-w-0 flex-1 truncate px-2 text-sm font-medium" title={name()}>
          {name()}
        </span>
        <SignOut />
      </div>
      <div class="flex gap-1 pt-1">
        <ThemeButton />
        <SoundButton />
        <NotifyButton />
      </div>
    </div>
  );
}

/** Asks once more: the name stays taken for a while, and what was one's own cannot be edited any more. */
function SignOut(): JSX.Element {
  const { dispatch } = useChat();
  const [sure, setSure] = createSignal(false);
  return (
    <Show
      when={sure()}
      fallback={
        <button
          class="icon-button"
          aria-label="Sign out"
          title="Sign out, or choose another name"
          onClick={() => setSure(true)}
        >
          <Leave />
        </button>
      }
    >
      <button
        ref={(element) => queueMicrotask(() => element.focus())}
        class="h-9 flex-none rounded-lg bg-bad-soft px-2 text-sm font-semibold text-bad"
        title="You will be somebody new; your name is kept from others for ten minutes"
        onBlur={() => setSure(false)}
        onClick={() => dispatch({ type: "signed_out" })}
      >
        Sign out?
      </button>
    </Show>
  );
}
