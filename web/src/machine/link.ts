/**
 * The link to the server: when it is opened, doubted, given up and tried again, and over which transport.
 *
 * A link is known by its serial; what comes from an older one is passed over.
 */
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  DOUBT_WAIT_MS,
  ANSWER_WAIT_MS,
  OPEN_WAIT_MS,
  PONG_WAIT_MS,
  PROBE_EVERY_MS,
  RETRY_LATE_MS,
  SILENCE_MS,
  SOCKET_FAILURES_MAX,
} from "../protocol/limits";
import { isAsked, type Turn } from "./turn";
import { searchLost } from "./search";
import type { ConnectionState, Link, State } from "./state";
import { introduce } from "./session";

export type { ConnectionState } from "./state";

/** What the user is told of the link, in one word: where it is another tab's, that one says it. */
export function connectionState(link: Link): ConnectionState {
  if (link.lent !== null && link.phase !== "ended") {
    return works(link.lent) && (link.phase !== "up" || link.stranded) ? "connecting" : link.lent;
  }
  if (link.phase === "up" && link.stranded) return "connecting";
  if (link.phase === "up") return link.transport === "ws" ? "online" : "polling";
  if (link.phase === "ended" || !link.network || link.tries >= 2) return "offline";
  return "connecting";
}

/** Milliseconds until try number `tries` (from 0): doubled each time, half of it by chance so that not all come at once. */
export function backoff(tries: number, chance: number): number {
  const full = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(tries, 16));
  return Math.round(full / 2 + (full / 2) * chance);
}

export function openLink(turn: Turn): void {
  const link = turn.state.link;
  link.serial++;
  link.phase = "opening";
  link.spoke = false;
  link.stranded = false;
  link.heard = turn.now;
  link.probed = null;
  link.deadline = turn.now + OPEN_WAIT_MS;
  turn.effect({ type: "open", serial: link.serial, transport: link.transport });
}

export function linkOpened(turn: Turn): void {
  const link = turn.state.link;
  if (link.phase !== "opening") return;
  link.phase = "greeting";
  link.heard = turn.now;
  link.deadline = turn.now + OPEN_WAIT_MS;
  introduce(turn);
}

export function linkHeard(turn: Turn): void {
  const link = turn.state.link;
  link.spoke = true;
  link.heard = turn.now;
  link.probed = null;
  link.deadline = null;
}

/** Closes the link from our side, and goes on as if it had been lost. */
export function giveUp(turn: Turn): void {
  turn.effect({ type: "close", serial: turn.state.link.serial });
  linkLost(turn);
}

/** Closes the link for good, or until the user asks for another. */
export function endLink(turn: Turn, ending: string): void {
  const link = turn.state.link;
  turn.effect({ type: "close", serial: link.serial });
  forgetLink(turn.state);
  link.serial++;
  link.phase = ending === "" ? "idle" : "ended";
  link.ending = ending;
}

export function linkLost(turn: Turn): void {
  const { link, name, token } = turn.state;
  if (link.phase === "idle" || link.phase === "ended" || link.phase === "waiting") return;
  const was = link.phase;
  forgetLink(turn.state);
  if (name === null && token === null) {
    link.phase = "idle";
    turn.state.entry.busy = false;
    return;
  }
  if (!isLent(turn.state)) chooseTransport(link);
  waitAndRetry(turn, was === "up" ? 0 : link.tries);
}

function waitAndRetry(turn: Turn, tries: number): void {
  const link = turn.state.link;
  const ms = backoff(tries, turn.moment.chance);
  link.tries = tries + 1;
  link.phase = "waiting";
  link.retryAt = turn.now + ms;
  turn.effect({ type: "retry_after", serial: link.serial, ms });
}

/** Two WebSockets over which nothing comes make us poll; polling that does not work either makes us try both in turn. */
function chooseTransport(link: Link): void {
  if (link.pollOnly) {
    link.transport = "poll";
  } else if (link.transport === "ws") {
    link.socketFailures = link.spoke ? 0 : link.socketFailures + 1;
    if (link.socketFailures >= SOCKET_FAILURES_MAX) link.transport = "poll";
  } else if (!link.spoke) {
    link.transport = "ws";
    link.socketFailures = SOCKET_FAILURES_MAX - 1;
  }
}

/** Nothing that was asked on a lost link will be answered; what has to arrive is said again on the next. */
function forgetLink(state: State): void {
  state.questions = {};
  searchLost(state);
  state.link.deadline = null;
  state.link.probed = null;
  for (const deed of state.outbox) deed.said = null;
  for (const room of state.rooms) {
    room.arrived = [];
    room.typing = [];
    room.typingTold = 0;
    if (room.phase === "loading") room.phase = "none";
  }
}

export function retryNow(turn: Turn): void {
  if (isLent(turn.state)) turn.effect({ type: "ask_retry" });
  const phase = turn.state.link.phase;
  if (phase === "waiting" || phase === "ended") openLink(turn);
}

/** The machine slept, or the network changed: a sign of life is due soon, or the next try at once. */
export function doubt(turn: Turn): void {
  const link = turn.state.link;
  if (link.phase === "waiting") openLink(turn);
  else if (
    link.phase === "up" &&
    !isLent(turn.state) &&
    link.transport === "ws" &&
    link.probed === null &&
    turn.now - link.heard > 1000
  ) {
    probe(turn, DOUBT_WAIT_MS);
  }
}

function probe(turn: Turn, waitMs: number): void {
  const link = turn.state.link;
  link.probed = turn.now;
  link.deadline = turn.now + waitMs;
  turn.ask({ type: "ping" }, { kind: "other" });
}

export function tickLink(turn: Turn): void {
  const link = turn.state.link;
  if (link.deadline !== null && turn.now >= link.deadline) return giveUp(turn);
  if (link.phase === "waiting" && turn.now >= link.retryAt + RETRY_LATE_MS) return openLink(turn);
  if (link.phase !== "up" && link.phase !== "greeting") return;
  if (isAsked(turn.state, (q) => q.kind === "session" && turn.now - q.at > ANSWER_WAIT_MS))
    return giveUp(turn);
  // Whose link it is sees to it that it lives.
  if (isLent(turn.state)) return;
  if (link.transport === "ws" && link.probed === null && turn.now - link.heard >= SILENCE_MS) {
    probe(turn, turn.now - link.heard > 4 * SILENCE_MS ? DOUBT_WAIT_MS : PONG_WAIT_MS);
  }
  if (link.transport === "poll" && !link.pollOnly && turn.now - link.socketProbed > PROBE_EVERY_MS) {
    link.socketProbed = turn.now;
    turn.effect({ type: "probe_socket" });
  }
}

/** A WebSocket opened beside polling: it is the better link. */
export function socketWorks(turn: Turn): void {
  const link = turn.state.link;
  if (link.pollOnly || link.transport !== "poll" || link.phase !== "up") return;
  link.transport = "ws";
  link.socketFailures = 0;
  moveLink(turn);
}

/** Takes another link instead of this one, at once. */
export function moveLink(turn: Turn): void {
  turn.effect({ type: "close", serial: turn.state.link.serial });
  forgetLink(turn.state);
  openLink(turn);
}

/** The tab that has the link says how it is; null: this one has its own now. */
export function leaderTold(turn: Turn, state: ConnectionState | null): void {
  const link = turn.state.link;
  link.lent = state;
  if (state !== null && works(state) && link.phase === "waiting") openLink(turn);
}

function works(state: ConnectionState): boolean {
  return state === "online" || state === "polling";
}

/** Who is not known yet asks over a link of their own. */
function isLent({ link, token }: State): boolean {
  return link.lent !== null && token !== null;
}
