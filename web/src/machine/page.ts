/** The page itself: what it remembers when it starts, its theme, sound, drawers and short notices. */
import type { Event } from "./events";
import { openLink } from "./link";
import { showLoose } from "./outbox";
import { freshenRooms } from "./rooms";
import { findRoom, isDirect, roomOf, type Overlay, type Theme } from "./state";
import type { Turn } from "./turn";

type Started = Extract<Event, { type: "started" }>;

export function started(turn: Turn, event: Started): void {
  const { state } = turn;
  const { remembered } = event;
  state.tab = event.tab;
  state.used = remembered.used;
  state.name = remembered.name;
  state.token = remembered.token;
  state.entry.name = remembered.name ?? "";
  state.theme = remembered.theme;
  state.sound = remembered.sound;
  state.notify = remembered.notify;
  state.outbox = remembered.outbox.map((deed) => ({ ...deed, said: null, notBefore: 0 }));
  state.link.pollOnly = event.pollOnly;
  if (event.pollOnly) state.link.transport = "poll";
  for (const name of remembered.rooms) roomOf(state, name).joined = true;
  const current = event.room ?? remembered.current;
  if (current) {
    state.current = isDirect(current) ? current : current.toLowerCase();
    roomOf(state, state.current).joined = true;
  }
  for (const deed of state.outbox) if (deed.body.kind === "send") showLoose(state, deed);
  // By a list: a room may be called "constructor".
  for (const [name, text] of Object.entries(remembered.drafts)) {
    const room = findRoom(state, name);
    if (room) room.draft.text = text;
  }
  // Without a token the name is only proposed: it may be somebody else's by now.
  if (state.token === null) state.name = null;
  else {
    if (state.name !== null && remembered.uid !== null) state.me = { name: state.name, uid: remembered.uid };
    openLink(turn);
  }
}

/** From the system's theme first to the other one, so that every press shows. */
export function themeCycled(turn: Turn, systemDark: boolean): void {
  const order: Theme[] = systemDark ? ["system", "light", "dark"] : ["system", "dark", "light"];
  const next = order[(order.indexOf(turn.state.theme) + 1) % order.length] ?? "system";
  turn.state.theme = next;
  turn.effect({ type: "remember", key: "theme", value: next });
}

export function soundToggled(turn: Turn): void {
  const { state } = turn;
  state.sound = !state.sound;
  turn.effect({ type: "remember", key: "sound", value: state.sound ? "on" : null });
  if (state.sound) turn.effect({ type: "blip" });
}

export function drawerSet(turn: Turn, which: "none" | "rooms" | "people"): void {
  turn.state.drawer = turn.state.drawer === which ? "none" : which;
  if (turn.state.drawer === "rooms") freshenRooms(turn);
}

export function overlaySet(turn: Turn, overlay: Overlay): void {
  turn.state.overlay = overlay;
  if (overlay.kind === "switcher") freshenRooms(turn);
  if (overlay.kind !== "none") turn.state.drawer = "none";
}

export function partMissing(turn: Turn): void {
  turn.state.overlay = { kind: "none" };
  turn.toast("This part of the page could not be fetched. Is there a connection?", "warn");
}

export function copied(turn: Turn, done: boolean): void {
  if (done) turn.toast("Copied.");
  else turn.toast("The browser does not let the page copy. Select the text and copy it yourself.", "warn");
}

export function tickToasts(turn: Turn): void {
  const { state } = turn;
  if (state.toasts.some((toast) => toast.until <= turn.now)) {
    state.toasts = state.toasts.filter((toast) => toast.until > turn.now);
  }
}
