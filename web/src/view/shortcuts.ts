/** The keys of the page, wherever in it the focus is. */
import { onCleanup, onMount } from "solid-js";
import type { Overlay } from "../machine/state";
import type { ViewContext } from "./context";

export function listenForKeys({ state, dispatch }: ViewContext): void {
  const toggle = (kind: "switcher" | "keys" | "search") => {
    const overlay: Overlay = state.overlay.kind === kind ? { kind: "none" } : { kind };
    dispatch({ type: "overlay", overlay });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented) return;
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    if (command && !event.shiftKey && key === "k") toggle("switcher");
    else if (command && event.shiftKey && key === "f") toggle("search");
    // On some keyboards the slash is on the shifted level.
    else if (command && (key === "/" || event.code === "Slash")) toggle("keys");
    else if (event.altKey && !event.ctrlKey && !event.metaKey && key === "arrowup")
      dispatch({ type: "room_stepped", by: -1, unread: event.shiftKey });
    else if (event.altKey && !event.ctrlKey && !event.metaKey && key === "arrowdown")
      dispatch({ type: "room_stepped", by: 1, unread: event.shiftKey });
    else return;
    event.preventDefault();
  };
  onMount(() => {
    document.addEventListener("keydown", onKeyDown);
    onCleanup(() => document.removeEventListener("keydown", onKeyDown));
  });
}
