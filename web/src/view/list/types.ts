/** What the list of messages asks of its room, what it shows, and what can be asked of it. */
import type { Accessor } from "solid-js";
import type { Item } from "../../machine/state";
import type { Timeline } from "../../machine/sequence";

export interface ListSource {
  timeline(): Timeline;
  /** False for the first step of opening a room. */
  whole(): boolean;
  following(): boolean;
  setFollowing(on: boolean): void;
  nearTop(): void;
  nearEnd(): void;
  /** The rows are in the page. */
  drawn(shown: Shown): void;
}

/** A row: its item, and the one before it. */
export interface Entry {
  item: Item;
  previous: Item | undefined;
}

/** The rows that are there, by what they are known by, from the top. */
export interface Shown {
  keys: string[];
  entries: ReadonlyMap<string, Entry>;
}

export interface MessageList {
  /** To be called once, when the elements are in the page. `rows` are those for `shown`, in its order. */
  attach(view: HTMLElement, content: HTMLElement, rows: Accessor<HTMLElement[]>): void;
  shown: Accessor<Shown>;
  /** The first message in view. */
  atTop: Accessor<string | null>;
  /**
   * Something of the room has changed. Many changes are shown together, in the next frame. Not to be called amid a change of
   * the page: rows that stay would be measured before they show what is new in them.
   */
  changed(): void;
  /** Something has another size. */
  resized(): void;
  scrolled(): void;
  /** Brings a message into view, and gives it the focus. */
  show(index: number, where: "nearest" | "middle"): void;
  /** The message that is `px` further down than another; to where the keys for pages go. */
  indexFurther(index: number, px: number): number;
  detach(): void;
}
