/** What happens to the page, and what it then does. */
import type { ClientFrame, ServerFrame } from "../protocol/frames";
import type { Notify } from "./notify";
import type { ConnectionState, Deed, Overlay, Remembered, Theme, Transport } from "./state";

/** When something happens, and the chance that goes with it: the machine reads no clock and throws no dice. */
export interface Moment {
  /** Milliseconds since the epoch. */
  now: number;
  /** From 0 up to 1. */
  chance: number;
}

export type Event =
  // The page.
  | { type: "started"; tab: string; remembered: Remembered; pollOnly: boolean; room: string | null }
  | { type: "tick" }
  | { type: "visible"; on: boolean }
  | { type: "network"; on: boolean }
  // The link. `serial` says which.
  | { type: "link_opened"; serial: number }
  | { type: "link_heard"; serial: number }
  | { type: "link_frame"; serial: number; frame: ServerFrame }
  | { type: "link_closed"; serial: number }
  | { type: "retry_due"; serial: number }
  | { type: "socket_works" }
  // The other tabs of this browser.
  | { type: "leader_told"; state: ConnectionState | null }
  | { type: "link_misplaced" }
  | { type: "tabs_present"; tabs: string[] | null; graceMs: number }
  | { type: "used" }
  | {
      type: "elsewhere";
      change:
        | { what: "theme"; theme: Theme }
        | { what: "sound"; on: boolean }
        | { what: "notify"; notify: Notify }
        | { what: "used"; tab: string | null }
        | { what: "signed_in"; name: string; uid: string; token: string }
        | { what: "signed_out" }
        | { what: "rooms"; rooms: string[] }
        | { what: "left"; room: string }
        | { what: "draft"; room: string; text: string }
        | { what: "deed"; deed: Deed }
        | { what: "deed_gone"; nonce: string; failed: boolean };
    }
  // Who the user is.
  | { type: "name_typed"; text: string }
  | { type: "name_chosen"; name: string }
  | { type: "signed_out" }
  | { type: "reconnect_asked" }
  // Rooms.
  | { type: "room_opened"; room: string }
  | { type: "room_left"; room: string }
  | { type: "topic_set"; topic: string }
  /** To the next room of the list, or the next with something unread; `by` is 1 or -1. */
  | { type: "room_stepped"; by: number; unread: boolean }
  // Reading.
  | { type: "older_wanted" }
  | { type: "newer_wanted" }
  | { type: "newest_wanted" }
  | { type: "scrolled"; room: string; following: boolean }
  /** A message is to be shown, wherever in its room it is. `ts` is null if it is not known when it was written. */
  | { type: "message_wanted"; room: string; id: string; ts: number | null }
  /** It is in view. */
  | { type: "jump_done"; room: string }
  | { type: "search_asked"; query: string; room: string | null }
  | { type: "search_more" }
  // Writing.
  | { type: "draft_changed"; text: string }
  | { type: "submitted"; nonce: string }
  | { type: "reply_started"; id: string }
  | { type: "edit_started"; id: string }
  | { type: "last_edited" }
  | { type: "aside_cancelled" }
  | { type: "note_closed" }
  | { type: "retried"; nonce: string }
  | { type: "discarded"; nonce: string }
  | { type: "deleted"; id: string; nonce: string }
  | { type: "reacted"; id: string; emoji: string; nonce: string }
  // The page's own switches.
  | { type: "theme_cycled"; systemDark: boolean }
  | { type: "sound_toggled" }
  | { type: "notify_toggled" }
  | { type: "notify_answered"; notify: Notify }
  | { type: "drawer"; which: "none" | "rooms" | "people" }
  | { type: "overlay"; overlay: Overlay }
  | { type: "copy_asked"; text: string }
  | { type: "copied"; done: boolean }
  /** What an overlay consists of could not be fetched. */
  | { type: "part_missing" }
  | { type: "toast_closed"; id: number };

export type Effect =
  | { type: "open"; serial: number; transport: Transport }
  | { type: "close"; serial: number }
  | { type: "say"; serial: number; frame: ClientFrame }
  | { type: "retry_after"; serial: number; ms: number }
  | { type: "probe_socket" }
  /** Asks for `tabs_present`. */
  | { type: "ask_present" }
  /** Has the tab whose link this one uses try now. */
  | { type: "ask_retry" }
  | {
      type: "remember";
      key: "name" | "uid" | "token" | "rooms" | "left" | "current" | "theme" | "sound" | "notify" | "used";
      value: string | null;
    }
  | { type: "remember_draft"; room: string; text: string }
  | { type: "keep_deed"; deed: Deed }
  | { type: "forget_deed"; nonce: string }
  | { type: "blip" }
  | { type: "copy"; text: string }
  | { type: "ask_notify" }
  | { type: "notify"; id: string; room: string; title: string; body: string }
  | { type: "focus_composer" };
