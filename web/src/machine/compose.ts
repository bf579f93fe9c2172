/** Writing: drafts, replies, edits, telling that we type. */
import { TYPING_EVERY_MS } from "../protocol/limits";
import { runCommand, textOf } from "./commands";
import { addDeed } from "./outbox";
import { newestWanted } from "./history";
import { currentRoom, type Message, type Room } from "./state";
import { findMessage } from "./timeline";
import type { Turn } from "./turn";

/** Unicode scalar values, as the node counts them. */
export function countScalars(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

export function draftChanged(turn: Turn, text: string): void {
  const room = currentRoom(turn.state);
  if (!room) return;
  room.draft.text = text;
  room.typedHere = turn.now;
  room.note = null;
  if (room.draft.editing !== null) return;
  turn.effect({ type: "remember_draft", room: room.name, text });
  tellTyping(turn, room, text.trim() !== "" && textOf(text) !== null);
}

function tellTyping(turn: Turn, room: Room, on: boolean): void {
  if (turn.state.link.phase !== "up") return;
  const told = room.typingTold > 0;
  if (on && (!told || turn.now - room.typingTold >= TYPING_EVERY_MS)) {
    room.typingTold = turn.now;
    turn.say({ type: "typing", room: room.name, on: true });
  } else if (!on && told) {
    room.typingTold = 0;
    turn.say({ type: "typing", room: room.name, on: false });
  }
}

/** The draft becomes a message, or the new text of one, or is carried out. */
export function submitted(turn: Turn, nonce: string): void {
  const room = currentRoom(turn.state);
  if (!room || !turn.state.me) return;
  const { text, replyTo, editing } = room.draft;
  if (text.trim() === "" || countScalars(text) > turn.state.limits.text) return;
  room.note = null;
  if (editing !== null) {
    const message = findMessage(room, editing);
    if (message && message.text !== text)
      addDeed(turn, room.name, nonce, { kind: "edit", id: editing, text });
    clearDraft(turn, room);
    return;
  }
  const meant = textOf(text);
  if (meant === null) return commanded(turn, room, nonce);
  clearDraft(turn, room);
  room.typingTold = 0;
  room.firstUnread = null;
  newestWanted(turn, room);
  addDeed(turn, room.name, nonce, { kind: "send", text: meant, replyTo });
}

function commanded(turn: Turn, room: Room, nonce: string): void {
  const note = runCommand(turn, room, room.draft.text, nonce);
  room.note = note;
  // What was not done stays, to be mended.
  if (note?.tone === "warn") return;
  tellTyping(turn, room, false);
  clearDraft(turn, room);
}

export function noteClosed(turn: Turn): void {
  const room = currentRoom(turn.state);
  if (!room) return;
  room.note = null;
  turn.effect({ type: "focus_composer" });
}

/** What stood there before an edit stands there again after it. */
function clearDraft(turn: Turn, room: Room): void {
  const text = room.draft.editing === null ? "" : room.draft.kept;
  room.draft = { text, replyTo: null, editing: null, kept: "" };
  if (text !== "") return;
  turn.effect({ type: "remember_draft", room: room.name, text: "" });
}

export function replyStarted(turn: Turn, id: string): void {
  const room = currentRoom(turn.state);
  if (!room || !findMessage(room, id)) return;
  if (room.draft.editing !== null) clearDraft(turn, room);
  room.draft.replyTo = id;
  turn.effect({ type: "focus_composer" });
}

export function editStarted(turn: Turn, id: string): void {
  const room = currentRoom(turn.state);
  const message = room && findMessage(room, id);
  if (!room || !message || !isOwn(turn, message) || message.deleted || message.status !== "sent") return;
  const { text, editing, kept } = room.draft;
  room.draft = { text: message.text, replyTo: null, editing: id, kept: editing === null ? text : kept };
  turn.effect({ type: "focus_composer" });
}

/** Up in an empty composer: the last own message is edited. */
export function lastEdited(turn: Turn): void {
  const room = currentRoom(turn.state);
  const last = room?.timeline.findLast(
    (item): item is Message =>
      item.kind === "message" && isOwn(turn, item) && !item.deleted && item.status === "sent",
  );
  if (last) editStarted(turn, last.id);
}

export function asideCancelled(turn: Turn): void {
  const room = currentRoom(turn.state);
  if (!room) return;
  if (room.draft.editing !== null) clearDraft(turn, room);
  room.draft.replyTo = null;
  turn.effect({ type: "focus_composer" });
}

export function deleted(turn: Turn, id: string, nonce: string): void {
  const room = currentRoom(turn.state);
  const message = room && findMessage(room, id);
  if (!room || !message || !isOwn(turn, message) || message.deleted) return;
  if (room.draft.editing === id) clearDraft(turn, room);
  addDeed(turn, room.name, nonce, { kind: "delete", id });
}

export function reacted(turn: Turn, id: string, emoji: string, nonce: string): void {
  const room = currentRoom(turn.state);
  const message = room && findMessage(room, id);
  if (!room || !message || message.deleted || message.status !== "sent" || !turn.state.me) return;
  // What is still on its way counts as done.
  const last = turn.state.outbox.findLast(
    ({ body }) => body.kind === "react" && body.id === id && body.emoji === emoji,
  );
  const was =
    last?.body.kind === "react"
      ? last.body.on
      : (message.reactions[emoji] ?? []).includes(turn.state.me.name);
  const on = !was;
  addDeed(turn, room.name, nonce, { kind: "react", id, emoji, on });
}

function isOwn(turn: Turn, message: Message): boolean {
  return message.uid === turn.state.me?.uid;
}
