/** Live messages and what becomes of them. */
import type { Frame, MessageView, UpdateView } from "../protocol/frames";
import { ARRIVED_MAX, BELOW_ITEMS_MAX, WINDOW_ITEMS_KEPT, WINDOW_ITEMS_MAX } from "../protocol/limits";
import { isAskedFor } from "./history";
import { notifyOf } from "./notify";
import { cleanLine } from "../text/clean";
import { deedOfMessage, settle } from "./outbox";
import { stopTyping } from "./presence";
import { markSeen, noteUnread } from "./reading";
import { isHeardHere } from "./elsewhere";
import { findRoom, isDirect, roomOf, type Arrived, type Change, type Message, type Room } from "./state";
import { changed, findMessage, place, replace, trimOldest } from "./timeline";
import type { Turn } from "./turn";
import { advance } from "./vector";

/** A message as it stands in frames becomes one of the page. */
export function fromView(view: MessageView): Message {
  return {
    kind: "message",
    id: view.id,
    nonce: view.nonce,
    from: view.from,
    uid: view.uid,
    ts: view.ts,
    origin: view.origin,
    text: view.deleted ? "" : (view.text ?? ""),
    replyTo: view.reply_to ?? null,
    edited: view.edited ?? null,
    deleted: view.deleted ?? false,
    reactions: view.deleted ? {} : (view.reactions ?? {}),
    late: view.late ?? false,
    status: "sent",
    problem: null,
  };
}

export function onNewMessage(turn: Turn, frame: Frame<"new_message">): void {
  const room = isDirect(frame.room) ? roomOf(turn.state, frame.room) : findRoom(turn.state, frame.room);
  if (!room) return;
  noteHeld(room, frame.origin, frame.seq);
  stopTyping(room, frame.uid);
  const message = fromView(frame);
  const own = frame.uid === turn.state.me?.uid;
  if (room.phase !== "open") {
    if (room.phase === "loading") setAside(turn, room, { type: "message", message });
    else if (!own) room.unread++;
    if (!own) blip(turn, room);
    notifyOf(turn, room, frame);
    return;
  }
  const placed = takeLive(turn, room, message);
  if (own) {
    settleOwn(turn, frame);
    // To the node it is unread until the marker is behind it.
    markSeen(turn, room);
  }
  if (own || placed === "known" || placed === "moved") return;
  noteUnread(turn, room, frame.uid, frame.id, frame.ts);
  if (room.name === turn.state.current) turn.state.spoken = cleanLine(`${frame.from}: ${frame.text ?? ""}`);
  blip(turn, room);
  notifyOf(turn, room, frame);
}

/**
 * Places a live message, and keeps the window bounded: at the end the oldest go; for a reader further up what comes
 * is left to be fetched, once there is much of it.
 */
function takeLive(turn: Turn, room: Room, message: Message): ReturnType<typeof place> {
  const watched = room.name === turn.state.current && !room.following;
  if (watched && room.below >= BELOW_ITEMS_MAX) room.hasNewer = true;
  const placed = place(room, message, false);
  if (placed === "outside") setAside(turn, room, { type: "message", message });
  else if (!watched && room.timeline.length > WINDOW_ITEMS_MAX) trimOldest(room, WINDOW_ITEMS_KEPT);
  return placed;
}

/** Our own message has come back before its acknowledgement: it is stored, and needs no more. */
function settleOwn(turn: Turn, frame: Frame<"new_message">): void {
  if (deedOfMessage(turn.state, frame.nonce)) settle(turn, frame.nonce);
}

export function onSent(turn: Turn, frame: Frame<"sent">): void {
  const { state } = turn;
  const room = findRoom(state, frame.room);
  const deed = deedOfMessage(state, frame.nonce);
  if (room && state.me && deed?.body.kind === "send" && room.phase === "open") {
    const view: MessageView = {
      room: room.name,
      id: frame.id,
      nonce: frame.nonce,
      from: state.me.name,
      uid: state.me.uid,
      ts: frame.ts,
      origin: frame.origin,
      seq: frame.seq,
      text: deed.body.text,
      ...(deed.body.replyTo ? { reply_to: deed.body.replyTo } : {}),
    };
    // `since` does not advance: only the room's own stream has no gaps.
    takeLive(turn, room, fromView(view));
  }
  settle(turn, frame.nonce);
}

export function onMessageUpdate(turn: Turn, frame: Frame<"message_update">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  noteHeld(room, frame.origin, frame.seq);
  const change = changeOf(frame);
  takeChange(room, frame.id, change);
  setAside(turn, room, { type: "change", id: frame.id, change });
}

export function changeOf(update: UpdateView): Change {
  return {
    ...(update.text !== undefined ? { text: update.text, edited: update.edited ?? update.ts } : {}),
    ...(update.deleted ? { deleted: true } : {}),
    ...(update.reactions ? { reactions: update.reactions } : {}),
  };
}

export function takeChange(room: Room, id: string, change: Change): void {
  const message = findMessage(room, id);
  if (message) replace(room, message, changed(message, change));
}

export function onTopic(turn: Turn, frame: Frame<"topic">): void {
  const room = findRoom(turn.state, frame.room);
  if (!room) return;
  noteHeld(room, frame.origin, frame.seq);
  room.topic = frame.topic;
}

/** A live event is held. While pages of missed ones are still to come it says nothing about those. */
function noteHeld(room: Room, origin: string, seq: number): void {
  if (room.phase === "open" && room.catchingUp === null) advance(room.since, origin, seq);
}

/** A copy without the watching of the store around it: what stands in a timeline has none. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** While a page is on its way that may not hold this yet, it is kept to be applied after it. */
function setAside(turn: Turn, room: Room, arrived: Arrived): void {
  if (!isAskedFor(turn, room)) return;
  if (room.arrived.length < ARRIVED_MAX) room.arrived.push(arrived);
}

function blip(turn: Turn, room: Room): void {
  const { sound, visible, current } = turn.state;
  if (!isHeardHere(turn.state)) return;
  if (sound && (!visible || room.name !== current || isDirect(room.name))) turn.effect({ type: "blip" });
}
