/**
 * A room and what is in it, as the page holds them.
 *
 * Invariant: a room's `timeline` is one unbroken stretch of the room, in order, without doubles. What lies
 * before it or behind it is told by `hasOlder` and `hasNewer`, and is fetched when the reader goes there.
 *
 * Items and people are never changed, only replaced, and are no part of the store that the views follow field by field:
 * of a hundred thousand messages it would keep a watched copy each.
 */
import type { UserRef, Vector } from "../protocol/frames";
import { People } from "./people";
import { Timeline } from "./sequence";

export type MessageStatus = "pending" | "sent" | "failed";

/** A message on the page, as it is now. A pending one has no place yet (`ts` is the local time) and stands behind all others. */
export interface Message {
  kind: "message";
  id: string;
  nonce: string;
  from: string;
  uid: string;
  /** Microseconds since the epoch. */
  ts: number;
  origin: string;
  text: string;
  replyTo: string | null;
  edited: number | null;
  deleted: boolean;
  reactions: Record<string, string[]>;
  late: boolean;
  status: MessageStatus;
  /** Why it failed, for a person. */
  problem: string | null;
}

/** Who came and went between two messages, folded together. It lives on this page only. */
export interface Notice {
  kind: "notice";
  id: string;
  ts: number;
  origin: string;
  joined: UserRef[];
  left: UserRef[];
}

export type Item = Message | Notice;

export interface Typist {
  uid: string;
  name: string;
  /** Milliseconds: forgotten then. */
  until: number;
}

/** What is being written in a room. */
export interface Draft {
  text: string;
  replyTo: string | null;
  /** The message that is being edited instead of a new one being written. */
  editing: string | null;
  /** What stood there before that. */
  kept: string;
}

/** `none`: only a name. `loading`: asked for. `open`: its newest messages are here. */
export type RoomPhase = "none" | "loading" | "open";

export interface Room {
  name: string;
  topic: string;
  private: boolean;
  /** The user wants to be in it; always so for direct conversations. */
  joined: boolean;
  phase: RoomPhase;
  /** Milliseconds: entering was refused for a while, and is tried again then. */
  enterAt: number | null;
  /** Users online. `users` may be fewer. */
  total: number;
  users: People;

  timeline: Timeline;
  hasOlder: boolean;
  hasNewer: boolean;
  /** Live frames that a page on its way may not hold yet. */
  arrived: Arrived[];
  /** Newest `ts` seen, on the page or not. */
  newest: number;

  /** All that is held of this room's events; what a new link goes on from. */
  since: Vector;
  /** When the window is to be read once more, in milliseconds: another node told what is in it. */
  againAt: number | null;

  /** Pages of missed events taken; null while nothing is missing. Live events do not advance `since` meanwhile. */
  catchingUp: number | null;

  read: Vector;
  /** When the read marker was last told, in milliseconds, and whether it has to be told again. */
  readTold: number;
  readDue: boolean;
  unread: number;
  /** The first message that had not been read when the room was entered. */
  firstUnread: string | null;
  /** What had been read when the room was entered. */
  readAtEntry: Vector;
  /** The reader sees the newest message. */
  following: boolean;
  /** New messages below what the reader sees. */
  below: number;
  /** The message that is to be brought into view. */
  jump: string | null;

  typing: Typist[];
  /** When we last told that we type, in milliseconds. 0: we do not type. */
  typingTold: number;
  draft: Draft;
  /** When a key was last pressed in this tab, in milliseconds. */
  typedHere: number;
  /** What the composer has to say about what was last typed. */
  note: Note | null;
}

export interface Note {
  text: string;
  /** `warn`: nothing was done. */
  tone: "info" | "warn";
}

export type Arrived = { type: "message"; message: Message } | { type: "change"; id: string; change: Change };

/** What may become of a message. */
export interface Change {
  text?: string;
  edited?: number;
  deleted?: boolean;
  reactions?: Record<string, string[]>;
}

export function newRoom(name: string): Room {
  return {
    name,
    topic: "",
    private: false,
    joined: false,
    phase: "none",
    enterAt: null,
    total: 0,
    users: People.of(),
    timeline: Timeline.of(),
    hasOlder: false,
    hasNewer: false,
    arrived: [],
    newest: 0,
    since: {},
    againAt: null,
    catchingUp: null,
    read: {},
    readTold: 0,
    readDue: false,
    unread: 0,
    firstUnread: null,
    readAtEntry: {},
    following: true,
    below: 0,
    jump: null,
    typing: [],
    typingTold: 0,
    draft: { text: "", replyTo: null, editing: null, kept: "" },
    typedHere: 0,
    note: null,
  };
}

export function isDirect(room: string): boolean {
  return room.startsWith("@");
}
