/** The page's two switches: theme and sound. */
import { Match, Switch, type JSX } from "solid-js";
import { useChat } from "./context";
import { Bell, BellOff, Moon, Screen, Sun } from "./icons";

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
