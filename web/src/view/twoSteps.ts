/**
 * A room is shown in two steps: first its newest messages, then, once those are painted, the rest above them. So a
 * long room is there as soon as an empty one.
 */
import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from "solid-js";
import type { Item, Room } from "../machine/state";

/** Items of the first step: what the eye is on, at the end; the screen is full one frame later. */
const FIRST_ITEMS = 4;

/** A page that is not in front paints nothing; then the second step comes after this. */
const PAINT_WAIT_MS = 250;

export interface TwoSteps {
  items: Accessor<Item[]>;
  /** What stands before the item of that index in the room, whether it is shown yet or not. */
  previous: (index: number) => Item | undefined;
  /** The second step has been taken. */
  whole: Accessor<boolean>;
}

export function inTwoSteps(room: Accessor<Room>): TwoSteps {
  const [whole, setWhole] = createSignal(false);
  const items = createMemo(() => (whole() ? room().timeline : room().timeline.slice(-FIRST_ITEMS)));
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
  const previous = (index: number) => room().timeline[room().timeline.length - items().length + index - 1];
  return { items, previous, whole };
}
