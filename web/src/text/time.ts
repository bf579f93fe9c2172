/** Times as people read them. `ts` is in microseconds since the epoch; days are those of the reader's time zone. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The greatest time that a `Date` can hold; what a broken clock says beyond it must not break the page. */
const DATE_MS_MAX = 8_640_000_000_000_000;

function dateOf(ts: number): Date {
  const ms = Number.isFinite(ts) ? ts / 1000 : 0;
  return new Date(Math.max(-DATE_MS_MAX, Math.min(DATE_MS_MAX, ms)));
}

/** The last minute that was asked for, and how it reads: messages that stand together are often of one. */
let lastMinute = NaN;
let lastClock = "";

export function clockTime(ts: number): string {
  const minute = Math.floor(dateOf(ts).getTime() / MINUTE_MS);
  if (minute !== lastMinute) {
    lastClock = clock.format(dateOf(ts));
    lastMinute = minute;
  }
  return lastClock;
}

export function fullTime(ts: number): string {
  return full.format(dateOf(ts));
}

export function isoTime(ts: number): string {
  return dateOf(ts).toISOString();
}

/** The same for all moments of one day. */
export function dayOf(ts: number): string {
  const date = dateOf(ts);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

export function dayName(ts: number, nowMs: number): string {
  const key = dayOf(ts);
  if (key === dayOf(nowMs * 1000)) return "Today";
  if (key === dayOf((nowMs - DAY_MS) * 1000)) return "Yesterday";
  const near = nowMs - ts / 1000 < 300 * DAY_MS;
  return (near ? day : dayAndYear).format(dateOf(ts));
}
