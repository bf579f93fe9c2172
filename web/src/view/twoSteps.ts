/**
 * A room is shown in two steps: first its newest messages, then, once those are painted, the rest above them. So a
 * long room is there as soon as an empty one.
 */
import { createEffect, createSignal, onCleanup, type Accessor } from "solid-js";
import type { Room } from "../machine/state";

/** A page that is not in front paints nothing; then the second step comes after this. */
const PAINT_WAIT_MS = 250;

/** Whether the second step has been taken. */
export function inTwoSteps(room: Accessor<Room>): Accessor<boolean> {
  const [whole, setWhole] = createSignal(false);
  createEffect(() => {
    if (room().phase !== "open" || whole()) return;
    const late = setTimeout(() => setWhole(true), PAINT_WAIT_MS);
    // The task after the next frame: by then the first step is on the screen.
    const frame = requestAnimationFrame(() => setTimeout(() => setWhole(true)));
    onCleanup(() => {
      clearTimeout(late);
      cancelAnimationFrame(frame);
    });
  });
  return whole;
}
