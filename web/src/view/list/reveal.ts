/** Shows a message of the open room that may not be among the rows that are there: what was quoted, say. */

let show: ((id: string) => void) | null = null;

/** The list that shows them from now on; null when it goes. */
export function setRevealer(revealer: ((id: string) => void) | null): void {
  show = revealer;
}

export function revealMessage(id: string): void {
  show?.(id);
}
