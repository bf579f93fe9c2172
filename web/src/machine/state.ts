/** All that the page knows. Plain data: the views read it, only `update` changes it. */
import type { Limits, MessageView } from "../protocol/frames";
import { LIMITS_ASSUMED } from "../protocol/limits";
import type { Notify } from "./notify";
import { isDirect, newRoom, type Room } from "./room";

export * from "./room";

/** A deed that has to arrive: kept over reloads, repeated with its nonce until it is answered. */
export interface Deed {
  nonce: string;
  uid: string;
  /** The tab that says it. */
  tab: string;
  room: string;
  /** Milliseconds. */
  made: number;
  body:
    | { kind: "send"; text: string; replyTo: string | null }
    | { kind: "edit"; id: string; text: string }
    | { kind: "delete"; id: string }
    | { kind: "react"; id: string; emoji: string; on: boolean };
  /** Failed for good, until the user tries again. */
  problem: string | null;
  /** When it was last said on this link; null: not yet. */
  said: number | null;
  /** Not to be said before then. */
  notBefore: number;
}

export type Transport = "ws" | "poll";

/** What the user is told of the link, in one word. */
export type ConnectionState = "online" | "polling" | "connecting" | "offline";

/** `opening`: being set up. `greeting`: open, not yet a session. `up`: a session. `waiting`: between two tries. `ended`: told not to come back. */
export type LinkPhase = "idle" | "opening" | "greeting" | "up" | "waiting" | "ended";

export interface Link {
  phase: LinkPhase;
  transport: Transport;
  /** Counts links, so that what an old one says is not mistaken for the new one. */
  serial: number;
  /** Failed tries since the last session. */
  tries: number;
  socketFailures: number;
  /** What the tab says whose link this one uses; null: this one has its own. */
  lent: ConnectionState | null;
  /** Polling is forced by the address. */
  pollOnly: boolean;
  node: string;
  /** Something has come over this link. One that opens and says nothing does not work. */
  spoke: boolean;
  /** The other end lives, but no node can do what is asked. */
  stranded: boolean;
  /** Milliseconds: when something was last heard, when we asked for a sign, by when it has to come. */
  heard: number;
  probed: number | null;
  deadline: number | null;
  /** When a WebSocket was last tried beside polling. */
  socketProbed: number;
  /** When the next try comes, in the phase `waiting`. */
  retryAt: number;
  /** The browser says that there is a network. */
  network: boolean;
  /** Why we may not come back, in the phase `ended`. */
  ending: string;
}

/** A question that has not been answered. `at` in milliseconds. */
export type Question = { at: number } & (
  | { kind: "session" }
  | { kind: "join"; room: string; resumed: boolean }
  | {
      kind: "history";
      room: string;
      way: "older" | "newer" | "newest" | "missed" | "again";
      /** The end of the window that it goes on from; a window cut meanwhile has no use for the answer. */
      edge: number;
    }
  /** The surroundings of a message that is to be shown. `tries`: pages that may still be looked through for it. */
  | { kind: "around"; room: string; id: string; tries: number }
  | { kind: "search"; serial: number }
  | { kind: "deed"; nonce: string }
  | { kind: "rooms" }
  | { kind: "leave"; room: string }
  | { kind: "topic"; room: string }
  | { kind: "other" }
);

export interface Entry {
  /** What stands in the field. */
  name: string;
  busy: boolean;
  problem: string | null;
  suggestion: string | null;
}

export interface Me {
  name: string;
  uid: string;
}

export type Theme = "system" | "light" | "dark";

export interface Toast {
  id: number;
  text: string;
  tone: "info" | "warn";
  /** Milliseconds. */
  until: number;
}

/** What lies over the chat or beside it, one at a time. */
export type Overlay =
  | { kind: "none" }
  | { kind: "switcher" }
  | { kind: "keys" }
  | { kind: "search" }
  /** Emoji for a message's reaction; with no message, for what is being written. */
  | { kind: "emoji"; message: string | null };

export interface Search {
  query: string;
  /** Only in this room; null: in all. */
  room: string | null;
  /** Counts questions, so that an old answer is not taken for the new one's. */
  serial: number;
  phase: "idle" | "asked" | "done";
  /** Newest first. */
  results: MessageView[];
  more: boolean;
  /** The node has not read all that there is yet. */
  partial: boolean;
  problem: string | null;
}

export interface State {
  /** This tab, among those of the browser. */
  tab: string;
  /** The tab that was last used, as far as is known. */
  used: string | null;
  /** When it was last looked which tabs there are, in milliseconds. */
  presentAsked: number;
  /** The user; stays while the link is away, and over a reload. */
  me: Me | null;
  /** Remembered: the name and what opens the same user again. */
  name: string | null;
  token: string | null;
  entry: Entry;
  link: Link;
  limits: Limits;
  rooms: Room[];
  current: string;
  /** Rooms of the node that this user is not in. */
  others: { name: string; topic: string; total: number }[];
  roomsAsked: number;
  outbox: Deed[];
  questions: Record<string, Question>;
  nextRe: number;
  nextId: number;
  theme: Theme;
  sound: boolean;
  notify: Notify;
  /** The page is in front. */
  visible: boolean;
  drawer: "none" | "rooms" | "people";
  overlay: Overlay;
  search: Search;
  toasts: Toast[];
  /** Read out by a screen reader: the newest message of the open room. */
  spoken: string;
}

/** What was remembered from the last visit. */
export interface Remembered {
  name: string | null;
  uid: string | null;
  token: string | null;
  rooms: string[];
  current: string | null;
  theme: Theme;
  sound: boolean;
  used: string | null;
  notify: Notify;
  outbox: Deed[];
  drafts: Record<string, string>;
}

export function initialState(): State {
  return {
    tab: "",
    used: null,
    presentAsked: 0,
    me: null,
    name: null,
    token: null,
    entry: { name: "", busy: false, problem: null, suggestion: null },
    link: {
      phase: "idle",
      transport: "ws",
      serial: 0,
      tries: 0,
      socketFailures: 0,
      lent: null,
      pollOnly: false,
      node: "",
      spoke: false,
      stranded: false,
      heard: 0,
      probed: null,
      deadline: null,
      socketProbed: 0,
      retryAt: 0,
      network: true,
      ending: "",
    },
    limits: LIMITS_ASSUMED,
    rooms: [],
    current: "",
    others: [],
    roomsAsked: 0,
    outbox: [],
    questions: {},
    nextRe: 1,
    nextId: 1,
    theme: "system",
    sound: false,
    notify: "unavailable",
    visible: true,
    drawer: "none",
    overlay: { kind: "none" },
    search: {
      query: "",
      room: null,
      serial: 0,
      phase: "idle",
      results: [],
      more: false,
      partial: false,
      problem: null,
    },
    toasts: [],
    spoken: "",
  };
}

export function findRoom(state: State, name: string): Room | undefined {
  return state.rooms.find((room) => room.name === name);
}

/** The room of that name, made if there is none. */
export function roomOf(state: State, name: string): Room {
  const found = findRoom(state, name);
  if (found) return found;
  state.rooms.push({ ...newRoom(name), joined: isDirect(name) });
  return state.rooms[state.rooms.length - 1] as Room;
}

export function currentRoom(state: State): Room | undefined {
  return findRoom(state, state.current);
}
