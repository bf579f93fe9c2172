/** The page: the name page until there is a user, the chat from then on. */
import { createEffect, createSignal, onCleanup, Show, type JSX } from "solid-js";
import type { Chat } from "../edge/run";
import { cleanLine } from "../text/clean";
import { ChatPage } from "./ChatPage";
import { ChatContext } from "./context";
import { NamePage } from "./NamePage";
import { Toasts } from "./Toasts";
import { showUnread } from "./unread";

/**
 * The address follows the room after this. For a new address Chromium does a lot, fetching the page's icon again among
 * it; opening the room comes first.
 */
const ADDRESS_WAIT_MS = 100;

/** `--paper` of `styles.css`. */
const PAPER = { light: "#ffffff", dark: "#17181b" };

export function App(props: { chat: Chat }): JSX.Element {
  const { state } = props.chat;
  const systemDark = watchSystemDark();
  createEffect(() => {
    const dark = state.theme === "dark" || (state.theme === "system" && systemDark());
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    // What the browser draws around the page follows the page's theme, not only the system's.
    document
      .querySelectorAll('meta[name="theme-color"]')
      .forEach((meta) => meta.setAttribute("content", dark ? PAPER.dark : PAPER.light));
  });
  createEffect(() => {
    document.title = title(props.chat);
  });
  createEffect(() => showUnread(unread(props.chat)));
  createEffect(() => {
    const room = state.current;
    if (room === "") return;
    const late = setTimeout(() => {
      const address = `#${encodeURIComponent(room)}`;
      const { hash } = location;
      // Back leads to the room before; a first one, or the same written otherwise, is no step.
      const isStep = hash !== "" && hash.toLowerCase() !== address.toLowerCase();
      history[isStep ? "pushState" : "replaceState"](null, "", address);
    }, ADDRESS_WAIT_MS);
    onCleanup(() => clearTimeout(late));
  });
  return (
    <ChatContext.Provider value={{ ...props.chat, systemDark }}>
      <Show when={state.me !== null || state.token !== null} fallback={<NamePage />}>
        <ChatPage />
      </Show>
      <Toasts />
    </ChatContext.Provider>
  );
}

function title(chat: Chat): string {
  const { state } = chat;
  const name = state.current === "" ? "chat" : `${cleanLine(state.current)} · chat`;
  const count = unread(chat);
  return count > 0 ? `(${count}) ${name}` : name;
}

const unread = ({ state }: Chat): number => state.rooms.reduce((sum, room) => sum + room.unread, 0);

function watchSystemDark(): () => boolean {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = createSignal(query.matches);
  const changed = () => setDark(query.matches);
  query.addEventListener("change", changed);
  onCleanup(() => query.removeEventListener("change", changed));
  return dark;
}
