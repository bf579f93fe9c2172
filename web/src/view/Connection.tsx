/** The state of the link, in words and colour. */
import { Match, Show, Switch, type JSX } from "solid-js";
import { connectionState } from "../machine/link";
import { cleanLine } from "../text/clean";
import { useChat } from "./context";

const DOTS = { online: "bg-good", polling: "bg-good", connecting: "bg-warn pulse", offline: "bg-bad" };
const INKS = { online: "text-muted", polling: "text-muted", connecting: "text-warn", offline: "text-bad" };

export function Connection(): JSX.Element {
  const { state } = useChat();
  const now = () => connectionState(state.link);
  const node = () => cleanLine(state.link.node) || "the server";
  return (
    <div
      role="status"
      aria-label="Connection"
      data-state={now()}
      class={`flex min-w-0 items-center gap-2 text-[13px] whitespace-nowrap ${INKS[now()]}`}
    >
      <span class={`size-2 flex-none rounded-full ${DOTS[now()]}`} aria-hidden="true" />
      <span class="truncate">
        <Switch>
          <Match when={now() === "online"}>
            <span class="max-sm:sr-only">Connected to </span>
            {node()}
          </Match>
          <Match when={now() === "polling"}>
            <span class="max-sm:sr-only">Connected to </span>
            {node()}
            <span class="max-sm:sr-only">, polling</span>
          </Match>
          <Match when={now() === "connecting"}>
            {state.link.stranded ? "No node answers" : "Connecting…"}
          </Match>
          <Match when={now() === "offline"}>Offline</Match>
        </Switch>
      </span>
    </div>
  );
}

/** What being offline means, and what can be done about it. */
export function OfflineBar(): JSX.Element {
  const { state, dispatch } = useChat();
  return (
    <Show when={connectionState(state.link) === "offline"}>
      <div class="flex flex-wrap items-center justify-center gap-x-3 bg-warn-soft px-4 py-1.5 text-center text-sm text-warn">
        <span class="remote">
          {state.link.phase === "ended"
            ? cleanLine(state.link.ending)
            : "No connection. What you write is kept, and sent when it is back."}
        </span>
        <button class="font-semibold underline" onClick={() => dispatch({ type: "reconnect_asked" })}>
          Try now
        </button>
      </div>
    </Show>
  );
}
