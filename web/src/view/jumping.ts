/** Bringing a message into view that was asked for: an answered one, a found one. */
import { createEffect, onCleanup } from "solid-js";
import type { Room } from "../machine/state";

const SHOWN_MS = 2000;

/** Frames until the list has taken up what has come; it takes one. */
const FRAMES_MAX = 10;

interface Jumping {
  room(): Room;
  /** All of the room's rows can be there. */
  ready(): boolean;
  /** Brings the message of that place in the timeline into view, and gives it the focus. */
  show(index: number): void;
  row(id: string): HTMLElement | null;
  /** It is in view. */
  done(): void;
}

export function bringIntoView({ room, ready, show, row, done }: Jumping): void {
  createEffect(() => {
    const id = room().jump;
    // It may come into the window only now.
    if (id === null || !ready() || room().timeline.length === 0) return;
    let frame = 0;
    const attempt = (left: number) => {
      // After whatever else this change of the page does to its place and its focus.
      frame = requestAnimationFrame(() => {
        if (room().jump !== id) return;
        show(room().timeline.indexOf(id));
        const found = row(id);
        if (!found) return left > 0 ? attempt(left - 1) : done();
        found.classList.add("jumped-to");
        setTimeout(() => found.classList.remove("jumped-to"), SHOWN_MS);
        done();
      });
    };
    attempt(FRAMES_MAX);
    onCleanup(() => cancelAnimationFrame(frame));
  });
}
