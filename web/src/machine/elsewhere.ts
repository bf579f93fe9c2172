/**
 * What the other tabs of this browser did. They share what is remembered, so what one writes down the others hear of:
 * rooms, drafts, switches, who the user is, and what is still to arrive.
 */
import type { Event } from "./events";
import { endLink, moveLink } from "./link";
import { flushOutbox, forgetDeed, showLoose, takeOver } from "./outbox";
import { enter, removeRoom, rememberJoined } from "./rooms";
import { forgetUser } from "./session";
import type { Room } from "./room";
import { findRoom, roomOf, type Deed, type State } from "./state";
import { ADOPT_EVERY_MS, TYPED_HERE_MS } from "../protocol/limits";
import { findMessage, remove } from "./timeline";
import type { Turn } from "./turn";

/** Among how many of the newest messages one is looked for that is told of late. */
const NEWEST_LOOKED_AT = 200;

export type Elsewhere = Extract<Event, { type: "elsewhere" }>["change"];

export function onElsewhere(turn: Turn, change: Elsewhere): void {
  const { state } = turn;
  switch (change.what) {
    case "theme":
      state.theme = change.theme;
      return;
    case "sound":
      state.sound = change.on;
      return;
    case "notify":
      state.notify = change.notify;
      return;
    case "used":
      state.used = change.tab;
      return;
    case "signed_in":
      return signedIn(turn, change);
    case "signed_out":
      return signedOut(turn);
    case "rooms":
      return rooms(turn, change.rooms);
    case "left":
      return removeRoom(turn, change.room);
    case "draft":
      return draft(turn, change);
    case "deed":
      return deed(turn, change.deed);
    case "deed_gone":
      return deedGone(turn, change.nonce, change.failed);
  }
}

/** Somebody who comes in while we are somebody else changes nothing here. */
function signedIn(turn: Turn, { name, uid, token }: Extract<Elsewhere, { what: "signed_in" }>): void {
  const { state } = turn;
  if (state.me !== null) {
    if (state.me.uid === uid) state.token = token;
    return;
  }
  state.name = name;
  state.token = token;
  state.me = { name, uid };
  state.entry = { name, busy: false, problem: null, suggestion: null };
  moveLink(turn);
}

function signedOut(turn: Turn): void {
  if (turn.state.me === null) return;
  if (turn.state.link.phase === "up") turn.say({ type: "quit" });
  endLink(turn, "");
  forgetUser(turn.state);
}

function rooms(turn: Turn, names: string[]): void {
  const { state } = turn;
  if (state.me === null) return;
  for (const name of names) {
    if (findRoom(state, name)?.joined) continue;
    const room = roomOf(state, name);
    room.joined = true;
    state.others = state.others.filter((other) => other.name !== name);
    if (state.link.phase === "up") enter(turn, room);
  }
  // Two tabs that came into rooms in one moment know of one each.
  if (state.rooms.some((room) => room.joined && !names.includes(room.name))) rememberJoined(turn);
}

/** The tab that is typed in has the say. */
function draft(turn: Turn, { room: name, text }: Extract<Elsewhere, { what: "draft" }>): void {
  const room = findRoom(turn.state, name);
  if (!room || turn.now - room.typedHere < TYPED_HERE_MS) return;
  if (room.draft.editing !== null) room.draft.kept = text;
  else room.draft.text = text;
}

/** Another tab has something to say, has failed to, or has taken it over. */
function deed(turn: Turn, heard: Deed): void {
  const { state } = turn;
  const known = state.outbox.find((one) => one.nonce === heard.nonce);
  if (!known) {
    if (heard.uid !== state.me?.uid) return;
    const added: Deed = { ...heard, said: null, notBefore: 0 };
    state.outbox.push(added);
    if (added.body.kind !== "send") return;
    const room = findRoom(state, added.room);
    // What the tab writes down may come after the message itself, which then stays the only one.
    if (room && !hasNewly(room, added)) showLoose(state, added);
    // What was sent from there is no draft here any more, also if it was typed here.
    if (room?.draft.editing === null && room.draft.text === added.body.text) room.draft.text = "";
    return;
  }
  // What is ours to say nobody else judges.
  if (known.tab === state.tab && heard.tab === state.tab) return;
  known.tab = heard.tab;
  known.uid = heard.uid;
  takeOver(turn, known, heard.problem);
}

/** Whether the message is among the newest of the room already. */
function hasNewly({ timeline }: Room, { uid, nonce }: Deed): boolean {
  for (let at = timeline.length - 1; at >= Math.max(0, timeline.length - NEWEST_LOOKED_AT); at--) {
    const item = timeline.at(at);
    if (item?.kind === "message" && item.nonce === nonce && item.uid === uid) return true;
  }
  return false;
}

/** It has been said, or, where it had failed, thrown away. What was said comes from the server too. */
function deedGone(turn: Turn, nonce: string, failed: boolean): void {
  const gone = turn.state.outbox.find((one) => one.nonce === nonce);
  if (!gone) return;
  const room = findRoom(turn.state, gone.room);
  const message = failed && room ? findMessage(room, nonce) : undefined;
  if (room && message) remove(room, message);
  forgetDeed(turn.state, nonce);
  flushOutbox(turn);
}

/**
 * These tabs are there; null if the browser cannot tell. What others left, if it is as old as `graceMs`, is ours to say
 * now; saying it twice is no harm.
 */
export function tabsPresent(turn: Turn, tabs: string[] | null, graceMs: number): void {
  const { state } = turn;
  const isGone = (tab: string): boolean => tab !== state.tab && !tabs?.includes(tab);
  for (const deed of state.outbox) {
    if (!isGone(deed.tab) || turn.now - deed.made < graceMs) continue;
    deed.tab = state.tab;
    turn.effect({ type: "keep_deed", deed: JSON.parse(JSON.stringify(deed)) as Deed });
  }
  if (tabs !== null && state.used !== null && isGone(state.used)) usedHere(turn);
  flushOutbox(turn);
}

export function tickElsewhere(turn: Turn): void {
  const { state } = turn;
  if (turn.now - state.presentAsked < ADOPT_EVERY_MS) return;
  const gone = state.used !== null && state.used !== state.tab;
  if (!gone && !state.outbox.some((deed) => deed.tab !== state.tab)) return;
  state.presentAsked = turn.now;
  turn.effect({ type: "ask_present" });
}

/** The user does something in this tab: of all, it is the one to be heard from. */
export function usedHere(turn: Turn): void {
  const { state } = turn;
  if (state.used === state.tab) return;
  state.used = state.tab;
  turn.effect({ type: "remember", key: "used", value: state.tab });
}

/** Whether sounds and notifications are for this tab to make: of several, only the one that was last used is heard. */
export function isHeardHere(state: State): boolean {
  return state.used === null || state.used === state.tab;
}
