/** Notifications on the desktop: for what is said to the user, while the page does not show it. */
import type { MessageView } from "../protocol/frames";
import { cleanLine, cleanText } from "../text/clean";
import { mentions } from "../text/mentions";
import { isHeardHere } from "./elsewhere";
import { isDirect, type Room } from "./state";
import type { Turn } from "./turn";

/**
 * Whether the browser may notify, and the user wants it. `unavailable`: this browser cannot, or not on a page of plain
 * http from another machine. `blocked`: it was asked before, and the user said no.
 */
export type Notify = "unavailable" | "off" | "on" | "blocked";

/** Notifications that one event may raise: after a long absence there may be many mentions. */
const AT_ONCE_MAX = 3;

/** Characters of a message that are shown; desktops cut them anyway. */
const TEXT_MAX = 200;

/** A browser may be asked only because of something that the user did. */
export function notifyToggled(turn: Turn): void {
  const { state } = turn;
  if (state.notify === "on") set(turn, "off");
  else if (state.notify === "off") turn.effect({ type: "ask_notify" });
  else if (state.notify === "blocked") tellBlocked(turn);
}

export function notifyAnswered(turn: Turn, notify: Notify): void {
  set(turn, notify);
  if (notify === "blocked") tellBlocked(turn);
}

/** A message that others wrote, and that was not on the page before. */
export function notifyOf(turn: Turn, room: Room, view: MessageView): void {
  const { state } = turn;
  if (state.notify !== "on" || view.deleted || view.uid === state.me?.uid) return;
  if (!isHeardHere(state) || (state.visible && room.name === state.current)) return;
  const text = view.text ?? "";
  if (!isDirect(room.name) && !mentions(text, state.me?.name ?? "")) return;
  if (turn.effects.filter((effect) => effect.type === "notify").length >= AT_ONCE_MAX) return;
  const from = cleanLine(view.from);
  turn.effect({
    type: "notify",
    id: view.id,
    room: room.name,
    title: isDirect(room.name) ? from : `${from} in ${cleanLine(room.name)}`,
    body: Array.from(cleanText(text)).slice(0, TEXT_MAX).join(""),
  });
}

function set(turn: Turn, notify: Notify): void {
  turn.state.notify = notify;
  turn.effect({ type: "remember", key: "notify", value: notify === "on" ? "on" : null });
}

function tellBlocked(turn: Turn): void {
  turn.toast(
    "The browser blocks notifications for this page. Its settings for this site can allow them.",
    "warn",
  );
}
