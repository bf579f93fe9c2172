/** Who the user is: choosing a name, being let in, coming back with a token, going. */
import type { Frame } from "../protocol/frames";
import { moved } from "./again";
import { endLink, giveUp, openLink } from "./link";
import { flushOutbox, orphanDeeds } from "./outbox";
import { enterRooms, rememberRooms } from "./rooms";
import { initialState, type State } from "./state";
import type { Turn } from "./turn";
import { PROBE_EVERY_MS, PROBE_FIRST_MS } from "../protocol/limits";

/** Says who we are, when the link is open and it is known. */
export function introduce(turn: Turn): void {
  const { token, name } = turn.state;
  if (token !== null) turn.ask({ type: "user_join", token }, { kind: "session" });
  else if (name !== null) turn.ask({ type: "user_join", name }, { kind: "session" });
}

export function nameChosen(turn: Turn, name: string): void {
  const { entry, link } = turn.state;
  const trimmed = name.trim();
  entry.name = trimmed;
  entry.suggestion = null;
  entry.problem = trimmed === "" ? "Please type a name." : null;
  if (entry.problem !== null) return;
  entry.busy = true;
  turn.state.name = trimmed;
  if (link.phase === "greeting") introduce(turn);
  else if (link.phase !== "opening") openLink(turn);
}

export function onSession(turn: Turn, frame: Frame<"session">): void {
  const state = turn.state;
  const asked = frame.re !== undefined && state.questions[frame.re]?.kind === "session";
  if (frame.re !== undefined) delete state.questions[frame.re];
  if (asked && state.token !== null && state.name !== null && state.name !== frame.user) {
    turn.toast(`You are ${frame.user} here now; the name ${state.name} belongs to somebody else.`, "warn");
  }
  state.me = { name: frame.user, uid: frame.uid };
  state.name = frame.user;
  state.token = frame.token;
  state.link.node = frame.node;
  turn.effect({ type: "remember", key: "name", value: frame.user });
  turn.effect({ type: "remember", key: "uid", value: frame.uid });
  turn.effect({ type: "remember", key: "token", value: frame.token });
  state.entry = { name: frame.user, busy: false, problem: null, suggestion: null };
  if (asked) {
    state.link.phase = "up";
    state.link.tries = 0;
    state.link.socketProbed = turn.now - PROBE_EVERY_MS + PROBE_FIRST_MS;
    orphanDeeds(turn);
    moved(turn);
    enterRooms(turn);
  } else if (frame.re === undefined) {
    // The bridge has moved us to another node.
    moved(turn);
  }
  flushOutbox(turn);
}

/** We were not let in. */
export function onSessionRefused(turn: Turn, error: Frame<"error">): void {
  const state = turn.state;
  if (error.code === "bad_token" && state.token !== null) {
    state.token = null;
    turn.effect({ type: "remember", key: "token", value: null });
    introduce(turn);
    return;
  }
  if (["unavailable", "internal", "rate_limited", "too_many_connections"].includes(error.code)) {
    state.entry.problem = state.me === null ? error.message : null;
    giveUp(turn);
    return;
  }
  state.entry.name = state.name ?? state.entry.name;
  state.entry.busy = false;
  state.entry.problem = error.message;
  state.entry.suggestion = error.suggestion ?? null;
  state.me = null;
  state.name = null;
}

export function signedOut(turn: Turn): void {
  const state = turn.state;
  if (state.link.phase === "up") turn.say({ type: "quit" });
  endLink(turn, "");
  for (const deed of state.outbox) turn.effect({ type: "forget_deed", nonce: deed.nonce });
  for (const key of ["name", "uid", "token", "current"] as const)
    turn.effect({ type: "remember", key, value: null });
  forgetUser(state);
  rememberRooms(turn);
}

/** The page as it is for somebody who is not known. */
export function forgetUser(state: State): void {
  const fresh = initialState();
  fresh.entry.name = state.me?.name ?? "";
  Object.assign(state, {
    me: null,
    name: null,
    token: null,
    entry: fresh.entry,
    rooms: [],
    current: "",
    others: [],
    outbox: [],
    drawer: "none",
    overlay: fresh.overlay,
    search: fresh.search,
  });
}

/** Somebody bears another name from now on; perhaps it is us. */
export function onRenamed(turn: Turn, frame: Frame<"renamed">): void {
  const state = turn.state;
  for (const room of state.rooms) {
    const user = room.users.byId(frame.uid);
    if (user) room.users = room.users.changed([{ ...user, name: frame.to }], []);
    for (const typist of room.typing) if (typist.uid === frame.uid) typist.name = frame.to;
  }
  if (state.me?.uid === frame.uid) {
    state.me.name = frame.to;
    state.name = frame.to;
    turn.effect({ type: "remember", key: "name", value: frame.to });
    turn.toast(
      `You are ${frame.to} now: the name ${frame.from} was given away twice, and the other had it first.`,
      "warn",
    );
    return;
  }
  const direct = state.rooms.find((room) => room.name === `@${frame.from}`);
  const isTheirs = direct?.timeline.some((item) => item.kind === "message" && item.uid === frame.uid);
  if (!direct || !isTheirs || state.rooms.some((room) => room.name === `@${frame.to}`)) return;
  if (state.current === direct.name) state.current = `@${frame.to}`;
  direct.name = `@${frame.to}`;
  rememberRooms(turn);
}
