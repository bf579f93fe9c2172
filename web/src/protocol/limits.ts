/** Limits of the page. Those of the node come with its `connect` frame; these stand until then. */
import type { Limits } from "./frames";

export const LIMITS_ASSUMED: Limits = { line: 65536, text: 4000, name: 32, room: 48, history: 200 };

/**
 * Messages asked for when a room is opened: a screen; what is above it is fetched ahead. Browsers take in an answer by
 * the kilobyte, and do other things in between, so that a long one comes late.
 */
export const OPEN_MESSAGES = 20;

/** Messages asked for when scrolling. */
export const PAGE_MESSAGES = 200;

/**
 * How far a message's stored time may lie before the time in its nonce, which is that of the writer's clock; and how
 * many pages are looked through for it from there on.
 */
export const JUMP_SLACK_MS = 5000;
export const JUMP_PAGES_MAX = 4;

/** Results asked for at once when searching. */
export const SEARCH_RESULTS = 20;

/** Events asked for at once when catching up after a lost link. */
export const CATCH_UP_EVENTS = 200;

/** After a move to another node, within how long what is on the page is read once more. */
export const AGAIN_WITHIN_MS = 2000;

/** Pages of catching up before the room is opened afresh instead: the newest matter more than the way there. */
export const CATCH_UP_PAGES_MAX = 5;

/** Items of a room whose reader is at its end. Past that the oldest go, and come back when scrolled to. */
export const WINDOW_ITEMS_MAX = 600;

/** What is left of the window once it was too long; well below the maximum, so that it is not cut at each message. */
export const WINDOW_ITEMS_KEPT = 450;

/**
 * Items of a room that is read back, with about half a kilobyte each; past that, those furthest from the reader go. It
 * is a day's scrolling, and heights past it would come near to what browsers lay out.
 */
export const READ_ITEMS_MAX = 120_000;
export const READ_ITEMS_KEPT = 100_000;

/** New messages kept below a reader who is further up. What comes past that is fetched when they go there. */
export const BELOW_ITEMS_MAX = 500;

/** Live frames set aside while a page of history is on its way. */
export const ARRIVED_MAX = 2000;

/**
 * Silence after which the link is asked whether it lives, and how long the answer may take. A link that is lost without
 * a word is so replaced within ten seconds.
 */
export const SILENCE_MS = 3000;
export const PONG_WAIT_MS = 3000;
/** The same when there is reason to doubt: the machine slept, or the network changed. */
export const DOUBT_WAIT_MS = 2000;

/** A link that has not opened by then is given up. */
export const OPEN_WAIT_MS = 6000;

export const BACKOFF_MS_MIN = 100;
export const BACKOFF_MS_MAX = 5000;

/** WebSocket attempts that fail before polling is tried. */
export const SOCKET_FAILURES_MAX = 2;

/** While polling, how often a WebSocket is tried, and how soon first: mostly it was the server that was away. */
export const PROBE_EVERY_MS = 30_000;
export const PROBE_FIRST_MS = 2000;

/** No answer by then: what can be repeated is sent again, what cannot is forgotten. */
export const ANSWER_WAIT_MS = 8000;

/** Typing is told at most this often, and ends by itself after the second. */
export const TYPING_EVERY_MS = 3000;
export const TYPING_ENDS_MS = 6000;

/** Read markers are moved at most this often. */
export const READ_EVERY_MS = 1000;

/** The list of rooms is asked for again after this long. */
export const ROOMS_EVERY_MS = 20_000;
/** A list of the rooms that is not older is not asked for again when somebody looks at it, in milliseconds. */
export const ROOMS_FRESH_MS = 1000;

/** Messages of one author within this time stand under one name. */
export const GROUP_US = 5 * 60 * 1_000_000;

/** How long a short notice to the user stays. */
export const TOAST_MS = 6000;

/** Names listed in one joined/left notice. */
export const NOTICE_NAMES_MAX = 5;

/** A retry whose timer is this late is made all the same: browsers slow down the timers of tabs in the back. */
export const RETRY_LATE_MS = 1000;

/** How often a tab in front asks whether somebody still leads, and after how many questions without an answer it leads itself. */
export const LEADER_TICK_MS = 1000;
export const LEADER_TICKS_MAX = 5;

/** How often it is looked whether what other tabs have to say is still theirs to say. */
export const ADOPT_EVERY_MS = 2000;

/** Where a browser cannot tell which tabs there are, what is older than this is said by any. */
export const ADOPT_AFTER_MS = 10_000;

/** For how long after a key was pressed here what is written elsewhere does not change what stands here. */
export const TYPED_HERE_MS = 2000;
