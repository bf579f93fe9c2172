/** What the server says, handed to whom it concerns. */
import type { Frame, ServerFrame } from "../protocol/frames";
import { ANSWER_WAIT_MS } from "../protocol/limits";
import { askNewest, drainArrived, onHistory } from "./history";
import { onAround } from "./jump";
import { endLink } from "./link";
import { onMessageUpdate, onNewMessage, onSent, onTopic } from "./messages";
import { onDeedRefused, PASSING, REFUSED_WAIT_MS, settle } from "./outbox";
import { onAway, onTyping, onUserJoin, onUserLeave, onUserListUpdate } from "./presence";
import { onRead } from "./reading";
import { onJoinRefused, onRoom, onRooms, reopen } from "./rooms";
import { onResults, onSearchRefused, searchLost } from "./search";
import { onRenamed, onSession, onSessionRefused } from "./session";
import { findRoom, type Question } from "./state";
import type { Turn } from "./turn";

/** After these the server does not want us back by ourselves. */
const FINAL_REASONS = new Set<Frame<"disconnect">["reason"]>(["kicked", "banned", "replaced"]);

export function onFrame(turn: Turn, frame: ServerFrame): void {
  noteNode(turn, frame);
  switch (frame.type) {
    case "connect":
      return onConnect(turn, frame);
    case "session":
      return onSession(turn, frame);
    case "room": {
      const question = answered(turn, frame.re);
      if (question?.kind === "join") onRoom(turn, frame, question.resumed);
      return;
    }
    case "history": {
      const question = answered(turn, frame.re);
      if (question?.kind === "history") onHistory(turn, frame, question);
      if (question?.kind === "around") onAround(turn, frame, question);
      return;
    }
    case "rooms":
      answered(turn, frame.re);
      return onRooms(turn, frame.rooms);
    case "sent":
      answered(turn, frame.re);
      return onSent(turn, frame);
    case "ok": {
      const question = answered(turn, frame.re);
      if (question?.kind === "deed") settle(turn, question.nonce);
      return;
    }
    case "error":
      return onError(turn, frame);
    case "pong":
      answered(turn, frame.re);
      return;
    case "new_message":
      return onNewMessage(turn, frame);
    case "message_update":
      return onMessageUpdate(turn, frame);
    case "topic":
      return onTopic(turn, frame);
    case "typing":
      return onTyping(turn, frame);
    case "user_join":
      return onUserJoin(turn, frame);
    case "user_leave":
      return onUserLeave(turn, frame);
    case "user_list_update":
      return onUserListUpdate(turn, frame);
    case "away":
      return onAway(turn, frame);
    case "read":
      return onRead(turn, frame);
    case "renamed":
      return onRenamed(turn, frame);
    case "gap":
      return onGap(turn, frame);
    case "disconnect":
      return onDisconnect(turn, frame);
    case "stats":
      answered(turn, frame.re);
      turn.state.link.node = frame.node;
      return;
    case "results": {
      const question = answered(turn, frame.re);
      if (question?.kind === "search") onResults(turn, frame, question);
      return;
    }
  }
}

/** The question that a frame answers, which is then no more. */
function answered(turn: Turn, re: number | string | undefined): Question | undefined {
  if (re === undefined) return undefined;
  const question = turn.state.questions[re];
  delete turn.state.questions[re];
  return question;
}

function onConnect(turn: Turn, frame: Frame<"connect">): void {
  turn.state.limits = frame.limits;
  turn.state.link.node = frame.node;
}

/** Frames that only a node can have sent. */
const FROM_NODES = new Set<ServerFrame["type"]>([
  "session",
  "room",
  "history",
  "sent",
  "ok",
  "new_message",
  "stats",
]);

/** The bridge answers although it reaches no node: that is not being connected. */
function noteNode(turn: Turn, frame: ServerFrame): void {
  const link = turn.state.link;
  if (frame.type === "error" && frame.code === "unavailable") link.stranded = true;
  else if (link.stranded && FROM_NODES.has(frame.type)) link.stranded = false;
}

function onError(turn: Turn, error: Frame<"error">): void {
  const question = answered(turn, error.re);
  switch (question?.kind) {
    case "session":
      return onSessionRefused(turn, error);
    case "deed":
      return onDeedRefused(turn, question.nonce, error);
    case "join":
      return onJoinError(turn, error, question.room);
    case "history":
      return onHistoryError(turn, error, question);
    case "topic":
      // The answer's own words may speak of sending again by program.
      return turn.toast(
        PASSING.has(error.code) ? "The topic was not changed. Try again in a moment." : error.message,
        "warn",
      );
    case "around":
      return turn.toast(error.message, "warn");
    case "search":
      return onSearchRefused(turn, error, question);
    case "leave":
    case "rooms":
    case "other":
      return;
    case undefined:
      // Answers to what nobody waits for, typing say, are of no interest; the rest is. What passes is in the line that
      // tells of the connection, and in the state of each message.
      if (error.re === undefined && error.code !== "not_in_room" && !PASSING.has(error.code))
        turn.toast(error.message, "warn");
  }
}

function onJoinError(turn: Turn, error: Frame<"error">, name: string): void {
  const room = findRoom(turn.state, name);
  if (!room) return;
  if (!PASSING.has(error.code)) return onJoinRefused(turn, name, error.message);
  if (room.phase === "loading") room.phase = "none";
  room.enterAt = turn.now + (error.retry_after_ms ?? REFUSED_WAIT_MS);
}

function onHistoryError(
  turn: Turn,
  error: Frame<"error">,
  question: Extract<Question, { kind: "history" }>,
): void {
  const room = findRoom(turn.state, question.room);
  if (!room) return;
  if (question.way === "again") {
    if (PASSING.has(error.code)) room.againAt = turn.now + (error.retry_after_ms ?? REFUSED_WAIT_MS);
    return drainArrived(turn, room);
  }
  room.catchingUp = null;
  if (room.phase === "loading") room.phase = "none";
  if (PASSING.has(error.code)) {
    if (question.way === "newest" || question.way === "missed") {
      room.enterAt = turn.now + (error.retry_after_ms ?? REFUSED_WAIT_MS);
    }
  } else if (error.code === "no_such_user" && room.timeline.length === 0)
    onJoinRefused(turn, room.name, error.message);
  else turn.toast(error.message, "warn");
}

/** More was missed than the server replays: the newest is what matters, the rest comes by scrolling. */
function onGap(turn: Turn, frame: Frame<"gap">): void {
  const room = findRoom(turn.state, frame.room);
  if (room) reopen(turn, room);
}

function onDisconnect(turn: Turn, frame: Frame<"disconnect">): void {
  if (FINAL_REASONS.has(frame.reason)) endLink(turn, frame.message || frame.reason);
}

/** Questions without an answer for long are forgotten, so that they can be asked again; rooms are. */
export function tickQuestions(turn: Turn): void {
  const { state } = turn;
  for (const [re, question] of Object.entries(state.questions)) {
    if (question.kind === "session" || turn.now - question.at <= ANSWER_WAIT_MS) continue;
    delete state.questions[re];
    if (question.kind === "search") searchLost(state);
    if (question.kind !== "join" && !(question.kind === "history" && question.way !== "older")) continue;
    const room = findRoom(state, question.room);
    if (!room || state.link.phase !== "up") continue;
    if (question.kind === "history" && question.way === "again") {
      room.againAt = turn.now;
      continue;
    }
    if (question.kind === "history" && question.way === "newest") askNewest(turn, room);
    else reopen(turn, room);
  }
}
