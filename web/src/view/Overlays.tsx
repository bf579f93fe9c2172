/** What lies over the chat or beside it: one thing at a time, each fetched when it is first asked for. */
import { Match, Switch, type JSX } from "solid-js";
import { useChat } from "./context";
import { lazily } from "./lazily";

const Switcher = lazily(() => import("./Switcher").then((part) => part.Switcher));
const Keys = lazily(() => import("./Keys").then((part) => part.Keys));
const EmojiPicker = lazily(() => import("./EmojiPicker").then((part) => part.EmojiPicker));
const SearchPanel = lazily(() => import("./SearchPanel").then((part) => part.SearchPanel));

export function Overlays(): JSX.Element {
  const { state } = useChat();
  return (
    <Switch>
      <Match when={state.overlay.kind === "switcher"}>
        <Switcher />
      </Match>
      <Match when={state.overlay.kind === "keys"}>
        <Keys />
      </Match>
      <Match when={state.overlay.kind === "search"}>
        <SearchPanel />
      </Match>
      <Match when={state.overlay.kind === "emoji"}>
        <EmojiPicker />
      </Match>
    </Switch>
  );
}
