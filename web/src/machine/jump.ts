/**
 * Showing a message wherever in its room it is: one that is answered, or one that was found.
 *
 * If it is not on the page the window is let go and opened anew around it. When it was written is known of what was
 * found; of what is answered its id tells, as the nonces in ids are ULIDs, which begin with their time.
 */
import type { Frame } from "../protocol/frames";
import { JUMP_PAGES_MAX, JUMP_SLACK_MS, PAGE_MESSAGES } from "../protocol/limits";
import { askNewer, drainArrived, show } from "./history";
import { roomOpened } from "./rooms";
import { findRoom, type Question, type Room } from "./state";
import { findMessage } from "./timeline";
import { forgetQuestions, type Turn } from "./turn";

type AroundQuestion = Extract<Question, { kind: "around" }>;

export function messageWanted(turn: Turn, name: string, id: string, ts: number | null): void {
  if (name !== turn.state.current) roomOpened(turn, name);
  const room = findRoom(turn.state, name);
  if (!room) return;
  if (findMessage(room, id)) {
    // Going to the room may have asked for its end, which would take the message out of the window.
    forgetQuestions(turn.state, (q) => q.kind === "history" && q.room === name && q.way === "newest");
    return bring(room, id);
  }
  const written = timeOfId(id);
  if (turn.state.link.phase !== "up")
    turn.toast("There is no connection to fetch this message over.", "warn");
  else if (ts !== null) ask(turn, room, { id, tries: 1 }, { before: ts + 1 });
  else if (written !== null)
    ask(turn, room, { id, tries: JUMP_PAGES_MAX }, { after: (written - JUMP_SLACK_MS) * 1000 });
  else turn.toast("This message is too far back to jump to.", "warn");
}

/** The view has done so, or the reader has gone elsewhere. */
export function jumpDone(turn: Turn, name: string): void {
  const room = findRoom(turn.state, name);
  if (room) room.jump = null;
}

function bring(room: Room, id: string): void {
  room.following = false;
  room.jump = id;
}

function ask(
  turn: Turn,
  room: Room,
  { id, tries }: { id: string; tries: number },
  range: { before: number } | { after: number },
): void {
  forgetQuestions(turn.state, (q) => q.kind === "around" && q.room === room.name);
  turn.ask(
    { type: "history", room: room.name, ...range, limit: PAGE_MESSAGES },
    { kind: "around", room: room.name, id, tries },
  );
}

export function onAround(turn: Turn, frame: Frame<"history">, question: AroundQuestion): void {
  const room = findRoom(turn.state, question.room);
  if (!room) return;
  const { id } = question;
  if (findMessage(room, id)) bring(room, id);
  else if (frame.messages.some((view) => view.id === id)) {
    forgetQuestions(turn.state, (q) => q.kind === "history" && q.room === room.name && q.way !== "missed");
    show(turn, room, frame.messages);
    bring(room, id);
    askNewer(turn, room);
  } else {
    const last = frame.messages.at(-1);
    if (last && frame.more && question.tries > 1)
      return ask(turn, room, { id, tries: question.tries - 1 }, { after: last.ts });
    turn.toast("This message cannot be found any more.", "warn");
  }
  drainArrived(turn, room);
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** When a message was written, in milliseconds, if its id tells. */
export function timeOfId(id: string): number | null {
  const nonce = /\.([0-7][0-9A-HJKMNP-TV-Z]{25})$/.exec(id)?.[1];
  if (nonce === undefined) return null;
  let ms = 0;
  for (const char of nonce.slice(0, 10)) ms = ms * 32 + CROCKFORD.indexOf(char);
  return ms;
}
