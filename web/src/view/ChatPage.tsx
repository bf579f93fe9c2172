/** The chat: rooms, the open room, its people. On a narrow screen rooms and people are drawers over the room. */
import { createEffect, createMemo, onCleanup, Show, type JSX } from "solid-js";
import { currentRoom } from "../machine/state";
import { Composer } from "./Composer";
import { OfflineBar } from "./Connection";
import { useChat } from "./context";
import { Log } from "./Log";
import { Overlays } from "./Overlays";
import { PeoplePanel } from "./PeoplePanel";
import { RoomHeader } from "./RoomHeader";
import { RoomsPanel } from "./RoomsPanel";
import { listenForKeys } from "./shortcuts";
import { fetchSoon } from "./soon";

export function ChatPage(): JSX.Element {
  const chat = useChat();
  const { state, dispatch } = chat;
  listenForKeys(chat);
  fetchSoon();
  const room = createMemo(() => currentRoom(state));
  let opener: Element | null = null;
  createEffect<string>((was) => {
    // The keyboard goes into a drawer that opens, and back where it was when it closes.
    if (state.drawer !== "none") {
      if (was === "none") opener = document.activeElement;
      document
        .querySelector<HTMLElement>(
          `[data-drawer="${state.drawer}"] a, [data-drawer="${state.drawer}"] button`,
        )
        ?.focus();
    } else if (was !== "none" && opener instanceof HTMLElement) {
      const back = opener;
      queueMicrotask(() => back.focus());
    }
    return state.drawer;
  }, "none");
  // Where there is room for everything there are no drawers.
  const small = matchMedia("(max-width: 40rem)");
  /** On a phone the search lies over all of the room. */
  const isCovered = () => state.overlay.kind === "search" && small.matches;
  const wide = matchMedia("(min-width: 64rem)");
  const closeDrawer = () => state.drawer !== "none" && dispatch({ type: "drawer", which: "none" });
  wide.addEventListener("change", closeDrawer);
  onCleanup(() => wide.removeEventListener("change", closeDrawer));
  return (
    <div
      class="flex h-full"
      onKeyDown={(event) => {
        if (event.key === "Escape") closeDrawer();
      }}
    >
      <Show when={state.drawer !== "none"}>
        <div
          class={`fixed inset-0 z-20 bg-scrim ${state.drawer === "rooms" ? "md:hidden" : "lg:hidden"}`}
          aria-hidden="true"
          onClick={closeDrawer}
        />
      </Show>
      <RoomsPanel />
      <main class="flex min-w-0 flex-1 flex-col" inert={state.drawer !== "none" || isCovered()}>
        <Show when={room()} keyed fallback={<NoRoom />}>
          {(open) => (
            <>
              <RoomHeader room={open} />
              <OfflineBar />
              <Log room={open} />
              <Composer room={open} />
            </>
          )}
        </Show>
        <div class="sr-only" aria-live="polite">
          {state.spoken}
        </div>
      </main>
      <Show when={state.overlay.kind !== "search" && room()} keyed>
        {(open) => <PeoplePanel room={open} />}
      </Show>
      <Overlays />
    </div>
  );
}

function NoRoom(): JSX.Element {
  const { dispatch } = useChat();
  return (
    <div class="m-auto p-6 text-center text-muted">
      <p>You are in no room.</p>
      <button
        class="mt-3 rounded-xl bg-accent px-4 py-2 font-semibold text-accent-ink"
        onClick={() => dispatch({ type: "room_opened", room: "lobby" })}
      >
        Go to the lobby
      </button>
    </div>
  );
}
