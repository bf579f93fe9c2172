/** The keys of the page, wherever in it the focus is. */
import { onCleanup, onMount } from "solid-js";
import type { Overlay } from "../machine/state";
import type { ViewContext } from "./context";

export function listenForKeys({ state, dispatch }: ViewContext): void {
  const toggle = (kind: "switcher" | "keys" | "search") => {
    const overlay: Overlay = state.overlay.kind === kind ? { kind: "none" } : { kind };
    dispatch({ type: "overlay", overlay });
  };
  /** Under a dialog the room stays as it is. */
  const isUnderDialog = () => state.overlay.kind !== "none" && state.overlay.kind !== "search";
  /** It is opened, and its code still being fetched. */
  const isComing = () =>
    state.overlay.kind !== "none" && !document.querySelector("dialog,aside[aria-label=Search]");
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    const by = key === "arrowup" ? -1 : key === "arrowdown" ? 1 : 0;
    if (command && !event.shiftKey && key === "k") toggle("switcher");
    else if (command && event.shiftKey && key === "f") toggle("search");
    // On some keyboards the slash is on the shifted level.
    else if (command && (key === "/" || event.code === "Slash")) toggle("keys");
    else if (by !== 0 && event.altKey && !event.ctrlKey && !event.metaKey && !isUnderDialog())
      dispatch({ type: "room_stepped", by, unread: event.shiftKey });
    // What is meant for it is not written, or sent, to the room.
    else if (command || (event.key.length > 1 && event.key !== "Enter") || !isComing()) return;
    event.preventDefault();
    event.stopPropagation();
  };
  onMount(() => {
    // Before what has the focus takes the key for something of its own.
    document.addEventListener("keydown", onKeyDown, true);
    onCleanup(() => document.removeEventListener("keydown", onKeyDown, true));
  });
}
