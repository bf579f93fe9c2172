/** The keyboard in the list: from message to message, page to page, to both ends. */

export interface KeyboardList {
  length(): number;
  /** Where the message of that id is. */
  indexOf(id: string): number;
  isMessage(index: number): boolean;
  viewHeight(): number;
  indexFurther(index: number, px: number): number;
  show(index: number): void;
  showNewest(): void;
}

/** How much of a page is seen again on the next one. */
const OVERLAP_VIEWS = 0.15;

export function onListKey(event: KeyboardEvent, list: KeyboardList): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, [contenteditable], [role=menu], [role=listbox], [role=grid]"))
    return;
  const id = target.closest<HTMLElement>("article[data-message-id]")?.dataset["messageId"];
  const from = id === undefined ? -1 : list.indexOf(id);
  if (from < 0) return;
  if (event.key === "End") {
    event.preventDefault();
    return list.showNewest();
  }
  const to = goal(event.key, from, list);
  if (to === null) return;
  event.preventDefault();
  if (to >= 0 && to !== from) list.show(to);
}

/** The message that a key goes to; null if it is none of the list's keys, negative if there is none. */
function goal(key: string, from: number, list: KeyboardList): number | null {
  const page = list.viewHeight() * (1 - OVERLAP_VIEWS);
  switch (key) {
    case "ArrowUp":
      return nextMessage(list, from - 1, -1);
    case "ArrowDown":
      return nextMessage(list, from + 1, 1);
    case "PageUp":
      return either(list, Math.min(from - 1, list.indexFurther(from, -page)), -1);
    case "PageDown":
      return either(list, Math.max(from + 1, list.indexFurther(from, page)), 1);
    case "Home":
      return nextMessage(list, 0, 1);
    default:
      return null;
  }
}

function nextMessage(list: KeyboardList, from: number, step: 1 | -1): number {
  let index = from;
  while (index >= 0 && index < list.length() && !list.isMessage(index)) index += step;
  return index >= 0 && index < list.length() ? index : -1;
}

/** The next that way, or, if there is none, the last before it. */
function either(list: KeyboardList, from: number, step: 1 | -1): number {
  const there = nextMessage(list, Math.max(0, Math.min(from, list.length() - 1)), step);
  return there >= 0 ? there : nextMessage(list, from, step === 1 ? -1 : 1);
}
