/** Short notices, which go by themselves. */
import { For, type JSX } from "solid-js";
import { cleanText } from "../text/clean";
import { useChat } from "./context";
import { Close } from "./icons";

export function Toasts(): JSX.Element {
  const { state, dispatch } = useChat();
  return (
    <div
      aria-live="polite"
      class="pointer-events-none fixed inset-x-0 bottom-28 z-50 flex flex-col items-center gap-2 px-4"
    >
      <For each={state.toasts}>
        {(toast) => (
          <div
            class={`pointer-events-auto flex max-w-md items-center gap-2 rounded-xl border border-line bg-raised py-1.5 pr-1.5 pl-4 text-sm shadow-float ${toast.tone === "warn" ? "text-warn" : ""}`}
          >
            <span class="remote">{cleanText(toast.text)}</span>
            <button
              class="icon-button"
              aria-label="Close this notice"
              onClick={() => dispatch({ type: "toast_closed", id: toast.id })}
            >
              <Close class="size-4" />
            </button>
          </div>
        )}
      </For>
    </div>
  );
}
