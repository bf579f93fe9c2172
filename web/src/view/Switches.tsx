/** The page's switches: theme, sound, notifications. */
import { Match, Show, Switch, type JSX } from "solid-js";
import { useChat } from "./context";
import { Bell, BellOff, Moon, Notice, NoticeOff, Screen, Sun } from "./icons";

const THEMES = { system: "as the system", light: "light", dark: "dark" };

export function ThemeButton(): JSX.Element {
  const { state, dispatch, systemDark } = useChat();
  return (
    <button
      class="icon-button"
      aria-label="Theme"
      title={`Theme: ${THEMES[state.theme]}`}
      onClick={() => dispatch({ type: "theme_cycled", systemDark: systemDark() })}
    >
      <Switch>
        <Match when={state.theme === "system"}>
          <Screen />
        </Match>
        <Match when={state.theme === "light"}>
          <Sun />
        </Match>
        <Match when={state.theme === "dark"}>
          <Moon />
        </Match>
      </Switch>
    </button>
  );
}

export function SoundButton(): JSX.Element {
  const { state, dispatch } = useChat();
  return (
    <button
      class="icon-button"
      aria-label="Sound"
      aria-pressed={state.sound}
      title={state.sound ? "Sound: on" : "Sound: off"}
      onClick={() => dispatch({ type: "sound_toggled" })}
    >
      {state.sound ? <Bell /> : <BellOff />}
    </button>
  );
}

/** The browser asks the user when it is pressed for the first time, and never before. */
export function NotifyButton(): JSX.Element {
  const { state, dispatch } = useChat();
  const titles = {
    unavailable: "",
    off: "Notifications for mentions and direct messages: off",
    on: "Notifications for mentions and direct messages: on",
    blocked: "Notifications are blocked by the browser",
  };
  return (
    <Show when={state.notify !== "unavailable"}>
      <button
        class="icon-button"
        aria-label="Notifications"
        aria-pressed={state.notify === "on"}
        title={titles[state.notify]}
        onClick={() => dispatch({ type: "notify_toggled" })}
      >
        {state.notify === "on" ? <Notice /> : <NoticeOff />}
      </button>
    </Show>
  );
}
