/** Which rows are to be there: what is in view, and so much above and below that scrolling does not outrun it. */
import type { Sums } from "./sums";

/** Rows from `first` up to `end`, without it. */
export interface Span {
  first: number;
  end: number;
}

/** What the reader sees, in pixels from the top of the first row. */
export interface Sight {
  top: number;
  height: number;
}

/** Heights of the view that are there above and below it, and how many there have to be. */
const AHEAD_VIEWS = 1;
const AHEAD_VIEWS_MIN = 0.4;

export function spanOf(heights: Sums, sight: Sight): Span {
  return spanAround(heights, sight, AHEAD_VIEWS);
}

/** Whether what is there will do. If not for long, as soon as it does not, rows come and go a few at a time. */
export function covers(span: Span, heights: Sums, sight: Sight): boolean {
  const needed = spanAround(heights, sight, AHEAD_VIEWS_MIN);
  return span.first <= needed.first && span.end >= needed.end;
}

function spanAround(heights: Sums, { top, height }: Sight, views: number): Span {
  if (heights.length === 0) return { first: 0, end: 0 };
  const ahead = height * views;
  return { first: heights.indexAt(top - ahead), end: heights.indexAt(top + height + ahead) + 1 };
}
