/** Bringing a message into view that was asked for: an answered one, a found one. */
import { createEffect } from "solid-js";
import type { Room } from "../machine/state";

const SHOWN_MS = 2000;

/** `ready` says that all of the room's rows are there, `done` is called when the message is in view. */
export function bringIntoView(
  room: () => Room,
  view: () => HTMLElement,
  ready: () => boolean,
  done: () => void,
): void {
  createEffect(() => {
    const id = room().jump;
    // It may come into the window only now.
    if (id === null || !ready() || room().timeline.length === 0) return;
    // After whatever else this change of the page does to its place and its focus.
    requestAnimationFrame(() => {
      if (room().jump !== id) return;
      const row = view().querySelector<HTMLElement>(`article[data-message-id="${CSS.escape(id)}"]`);
      if (!row) return;
      row.scrollIntoView({ block: "center" });
      // At once: what keeps the reader's place must not put them back before it hears of this.
      view().dispatchEvent(new Event("scroll"));
      row.focus({ preventScroll: true });
      row.classList.add("jumped-to");
      setTimeout(() => row.classList.remove("jumped-to"), SHOWN_MS);
      done();
    });
  });
}
