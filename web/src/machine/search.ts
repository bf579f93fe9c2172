/** Searching what was said: one question at a time, its answers page by page. */
import type { Frame } from "../protocol/frames";
import { SEARCH_RESULTS } from "../protocol/limits";
import type { Question, State } from "./state";
import { forgetQuestions, type Turn } from "./turn";

type SearchQuestion = Extract<Question, { kind: "search" }>;

export function searchAsked(turn: Turn, query: string, room: string | null): void {
  const { search } = turn.state;
  const trimmed = query.trim();
  Object.assign(search, {
    query: trimmed,
    room,
    results: [],
    more: false,
    partial: false,
    problem: null,
    phase: "idle",
  });
  search.serial++;
  forgetQuestions(turn.state, (q) => q.kind === "search");
  if (trimmed !== "") ask(turn, null);
}

export function searchMore(turn: Turn): void {
  const { search } = turn.state;
  const last = search.results.at(-1);
  if (last && search.more && search.phase === "done") ask(turn, last.ts);
}

function ask(turn: Turn, before: number | null): void {
  const { search, link } = turn.state;
  if (link.phase !== "up") {
    search.phase = "done";
    search.problem = "There is no connection at the moment. Search again when it is back.";
    return;
  }
  search.phase = "asked";
  search.problem = null;
  turn.ask(
    {
      type: "search",
      query: search.query,
      limit: SEARCH_RESULTS,
      ...(search.room !== null ? { room: search.room } : {}),
      ...(before !== null ? { before } : {}),
    },
    { kind: "search", serial: search.serial },
  );
}

export function onResults(turn: Turn, frame: Frame<"results">, question: SearchQuestion): void {
  const { search } = turn.state;
  if (question.serial !== search.serial) return;
  const known = new Set(search.results.map((view) => view.id));
  const fresh = frame.messages.filter((view) => !known.has(view.id));
  search.results.push(...fresh);
  // A page that brings nothing new has no next one.
  search.more = frame.more && fresh.length > 0;
  search.partial = frame.indexed === false;
  search.phase = "done";
}

export function onSearchRefused(turn: Turn, error: Frame<"error">, question: SearchQuestion): void {
  const { search } = turn.state;
  if (question.serial !== search.serial) return;
  search.phase = "done";
  search.problem = wordsFor(error);
}

/** No answer came. */
export function searchLost({ search }: State): void {
  if (search.phase !== "asked") return;
  search.phase = "done";
  search.problem = "No answer came. Try again.";
}

function wordsFor(error: Frame<"error">): string {
  switch (error.code) {
    case "unknown_type":
      return "This server cannot search yet.";
    case "rate_limited":
      return "That was much at once. Try again in a moment.";
    case "unavailable":
    case "internal":
      return "The search does not work at the moment. Try again later.";
    default:
      return error.message.replace(/^field "query": /, "");
  }
}
