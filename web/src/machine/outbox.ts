/**
 * What has to arrive: messages, edits, deletions, reactions.
 *
 * A deed is kept (over reloads too) until a node has answered it, and is said again with the same nonce on each new
 * link. In each room one is said at a time, so that they are stored in the order they were done in.
 */
import type { ClientFrame, ErrorCode, Frame } from "../protocol/frames";
import { ANSWER_WAIT_MS } from "../protocol/limits";
import { findRoom, isDirect, type Deed, type Message, type State } from "./state";
import { findMessage, insert, remove, replace } from "./timeline";
import type { Turn } from "./turn";

/** How long we wait after a refusal that will pass, in milliseconds. */
export const REFUSED_WAIT_MS = 1000;

/** Refusals that pass, and say nothing against what was asked. */
export const PASSING = new Set<ErrorCode>([
  "rate_limited",
  "unavailable",
  "internal",
  "too_many_connections",
  "not_joined",
]);

export function addDeed(turn: Turn, room: string, nonce: string, body: Deed["body"]): void {
  const state = turn.state;
  if (!state.me) return;
  const deed: Deed = {
    nonce,
    uid: state.me.uid,
    tab: state.tab,
    room,
    made: turn.now,
    body,
    problem: null,
    said: null,
    notBefore: 0,
  };
  state.outbox.push(deed);
  turn.effect({ type: "keep_deed", deed: structuredCloneOf(deed) });
  if (body.kind === "send") showLoose(state, deed);
  flushOutbox(turn);
}

/** Says what is due. */
export function flushOutbox(turn: Turn): void {
  const state = turn.state;
  if (state.link.phase !== "up") return;
  const busy = new Set<string>();
  for (const deed of state.outbox) {
    if (deed.tab !== state.tab) continue;
    if (deed.problem !== null || busy.has(deed.room)) continue;
    busy.add(deed.room);
    if (deed.said !== null || deed.notBefore > turn.now) continue;
    const room = findRoom(state, deed.room);
    if (!isDirect(deed.room) && !room?.joined) {
      fail(turn, deed, "You have left this room.");
      continue;
    }
    deed.said = turn.now;
    const newest = room?.newest ?? 0;
    turn.ask(frameOf(deed, newest), { kind: "deed", nonce: deed.nonce });
  }
}

function frameOf(deed: Deed, newest: number): ClientFrame {
  const base = { room: deed.room, nonce: deed.nonce, ...(newest > 0 ? { after: newest } : {}) };
  const body = deed.body;
  switch (body.kind) {
    case "send":
      return { type: "send", ...base, text: body.text, ...(body.replyTo ? { reply_to: body.replyTo } : {}) };
    case "edit":
      return { type: "edit", ...base, id: body.id, text: body.text };
    case "delete":
      return { type: "delete", ...base, id: body.id };
    case "react":
      return { type: "react", ...base, id: body.id, emoji: body.emoji, on: body.on };
  }
}

/** A deed without an answer for long is said again: a node may have been lost behind the bridge. */
export function tickOutbox(turn: Turn): void {
  for (const deed of turn.state.outbox) {
    if (deed.said !== null && turn.now - deed.said > ANSWER_WAIT_MS) deed.said = null;
  }
  flushOutbox(turn);
}

export function deedOfMessage(state: State, nonce: string): Deed | undefined {
  return state.outbox.find((deed) => deed.nonce === nonce);
}

/** A node has it. */
export function settle(turn: Turn, nonce: string): void {
  if (!forgetDeed(turn.state, nonce)) return;
  turn.effect({ type: "forget_deed", nonce });
  flushOutbox(turn);
}

/** Whether it was there. */
export function forgetDeed(state: State, nonce: string): boolean {
  const index = state.outbox.findIndex((deed) => deed.nonce === nonce);
  if (index >= 0) state.outbox.splice(index, 1);
  return index >= 0;
}

export function onDeedRefused(turn: Turn, nonce: string, error: Frame<"error">): void {
  const deed = deedOfMessage(turn.state, nonce);
  if (!deed) return;
  if (PASSING.has(error.code)) {
    deed.said = null;
    deed.notBefore = turn.now + (error.retry_after_ms ?? REFUSED_WAIT_MS);
    return;
  }
  if (deed.body.kind === "send") fail(turn, deed, error.message);
  else {
    turn.toast(error.message, "warn");
    settle(turn, nonce);
  }
  flushOutbox(turn);
}

function fail(turn: Turn, deed: Deed, problem: string): void {
  takeOver(turn, deed, problem);
  turn.effect({ type: "keep_deed", deed: structuredCloneOf(deed) });
}

/** Notes, and shows, whether a deed has failed. */
export function takeOver(turn: Turn, deed: Deed, problem: string | null): void {
  deed.problem = problem;
  deed.said = null;
  changeLoose(turn.state, deed, {
    status: problem === null ? "pending" : "failed",
    problem,
    uid: deed.uid,
  });
}

export function retried(turn: Turn, nonce: string): void {
  const deed = deedOfMessage(turn.state, nonce);
  if (!deed || !turn.state.me) return;
  deed.notBefore = 0;
  deed.uid = turn.state.me.uid;
  deed.tab = turn.state.tab;
  takeOver(turn, deed, null);
  turn.effect({ type: "keep_deed", deed: structuredCloneOf(deed) });
  flushOutbox(turn);
}

export function discarded(turn: Turn, nonce: string): void {
  const deed = deedOfMessage(turn.state, nonce);
  const room = deed && findRoom(turn.state, deed.room);
  const message = room && findMessage(room, nonce);
  if (room && message) remove(room, message);
  settle(turn, nonce);
}

/** What another user of this browser left unsent is not said in this one's name without asking. */
export function orphanDeeds(turn: Turn): void {
  const { outbox, me } = turn.state;
  for (const deed of outbox) {
    if (deed.uid !== me?.uid && deed.problem === null)
      // Not written down: to whose tab it belongs, if that is still there, it has not failed.
      takeOver(turn, deed, `Not sent: you were here under another name.`);
  }
}

/** The messages of a room that no node has answered for yet. */
export function looseMessages(state: State, room: string): Message[] {
  return state.outbox
    .filter((deed) => deed.room === room && deed.body.kind === "send")
    .map((deed) => loose(state, deed));
}

/** Shows a message at the end of its room while no node has it. */
export function showLoose(state: State, deed: Deed): void {
  const room = findRoom(state, deed.room);
  if (room) insert(room, loose(state, deed));
}

function loose(state: State, deed: Deed): Message {
  return {
    kind: "message",
    id: deed.nonce,
    nonce: deed.nonce,
    from: state.me?.name ?? state.name ?? "",
    uid: deed.uid,
    ts: deed.made * 1000,
    origin: "",
    text: deed.body.kind === "send" ? deed.body.text : "",
    replyTo: deed.body.kind === "send" ? deed.body.replyTo : null,
    edited: null,
    deleted: false,
    reactions: {},
    late: false,
    status: deed.problem === null ? "pending" : "failed",
    problem: deed.problem,
  };
}

function changeLoose(state: State, deed: Deed, change: Partial<Message>): void {
  const room = findRoom(state, deed.room);
  // Until it has a place its nonce is its id.
  const message = room && findMessage(room, deed.nonce);
  if (room && message && message.status !== "sent") replace(room, message, { ...message, ...change });
}

/** A copy that later changes of the state do not reach. */
function structuredCloneOf(deed: Deed): Deed {
  return JSON.parse(JSON.stringify(deed)) as Deed;
}
