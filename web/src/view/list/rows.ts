/**
 * The elements of the rows that are there, in their order, and the space for those that are not.
 *
 * An element that stays is not moved: it would lose the focus.
 */
import type { Sums } from "./sums";

/** Makes the children of `content` be `rows`. */
export function setRows(content: HTMLElement, rows: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(rows);
  for (const child of [...content.children]) if (!wanted.has(child)) child.remove();
  let cursor = content.firstElementChild;
  for (const row of rows) {
    if (row === cursor) cursor = cursor.nextElementSibling;
    else content.insertBefore(row, cursor);
  }
}

/**
 * Puts each row to its place: `indexes` says which they are, and `shift` by how much all are lower than their heights
 * alone would put them.
 */
export function setSpaces(
  content: HTMLElement,
  rows: readonly HTMLElement[],
  indexes: readonly number[],
  heights: Sums,
  shift: number,
): void {
  let end = 0;
  rows.forEach((row, i) => {
    const index = indexes[i] ?? 0;
    const top = heights.before(index);
    if (i === 0) setPixels(content, "paddingTop", top + shift);
    setPixels(row, "marginTop", i === 0 || top - end < 0.01 ? 0 : top - end);
    end = top + heights.at(index);
  });
  if (rows.length === 0) setPixels(content, "paddingTop", 0);
  setPixels(content, "paddingBottom", heights.total - end);
}

function setPixels(
  element: HTMLElement,
  name: "paddingTop" | "paddingBottom" | "marginTop",
  px: number,
): void {
  const text = px < 0.01 ? "" : `${px.toFixed(3)}px`;
  if (element.style[name] !== text) element.style[name] = text;
}
