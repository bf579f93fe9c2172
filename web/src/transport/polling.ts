/**
 * The server over plain requests, where WebSockets do not get through: `POST /send` and `GET /poll`.
 *
 * What is said is sent in order, one request at a time. A poll that failed is asked again from the same place, so
 * nothing is lost with a lost answer.
 */
import type { ClientFrame, ServerFrame } from "../protocol/frames";
import { checked } from "../protocol/checked";
import type { LinkEvents, ServerLink } from "./link";

/**
 * Seconds that the server may keep a poll waiting, and milliseconds after which we stop waiting for it: no sooner do we
 * notice that the way there is lost without a word.
 */
const POLL_WAIT_S = 4;
const POLL_TIMEOUT_MS = 6_500;
/**
 * After a poll that failed, an answer comes at once or not at all. The browser may still hold connections that are as
 * dead as the one before, and try them first: each costs this much.
 */
const RETRY_TIMEOUT_MS = 2_500;
/** The server takes ten seconds at most. */
const SEND_TIMEOUT_MS = 15_000;
/** Frames in one request; a body may have 64 KiB. */
const BATCH_FRAMES_MAX = 16;
const BATCH_CHARS_MAX = 12_000;
/** Polls that fail in a row before the link is given up. */
const POLL_FAILURES_MAX = 5;
const POLL_PAUSE_MS = 200;

export function openPolling(events: LinkEvents): ServerLink {
  const link = new Polling(events);
  // Nothing is to be opened; but whoever made this link has to know it first.
  queueMicrotask(() => link.open());
  return link;
}

class Polling implements ServerLink {
  private readonly abort = new AbortController();
  private readonly waiting: ClientFrame[] = [];
  private sending = false;
  private session: string | null = null;
  private over = false;

  constructor(private readonly events: LinkEvents) {}

  open(): void {
    if (!this.over) this.events.opened();
  }

  say(frame: ClientFrame): void {
    if (this.over) return;
    this.waiting.push(frame);
    void this.drain();
  }

  close(): void {
    // A farewell that waits still goes out.
    if (this.waiting.length > 0) void this.drain();
    this.over = true;
    setTimeout(() => this.abort.abort(), 500);
  }

  private lost(): void {
    if (this.over) return;
    this.over = true;
    this.abort.abort();
    this.events.closed();
  }

  private take(frames: unknown): void {
    if (!Array.isArray(frames) || this.over) return;
    this.events.heard();
    for (const one of frames) {
      const frame: ServerFrame | null = checked(one);
      if (!frame || this.over) continue;
      if (frame.type === "session" && frame.poll !== undefined && this.session === null) {
        this.session = frame.poll;
        void this.poll(frame.poll);
      }
      this.events.frame(frame);
    }
  }

  private async drain(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    while (this.waiting.length > 0 && !this.abort.signal.aborted) {
      // Until there is a session only the frame that opens it may go.
      const count = this.session === null ? 1 : batchSize(this.waiting);
      const batch = this.waiting.splice(0, count);
      const answer = await this.request("/send", SEND_TIMEOUT_MS, JSON.stringify(batch));
      if (!answer) {
        this.lost();
        break;
      }
      // Who is not let in is told by the answer as a whole, which does not name the frame it is about.
      this.take(answer["type"] === "error" ? [{ ...answer, re: batch[0]?.re }] : answer["frames"]);
    }
    this.sending = false;
  }

  private async poll(session: string): Promise<void> {
    let after = 0;
    let failures = 0;
    while (!this.over && this.session === session) {
      const [wait, timeoutMs] = failures === 0 ? [POLL_WAIT_S, POLL_TIMEOUT_MS] : [0, RETRY_TIMEOUT_MS];
      const answer = await this.request(`/poll?after=${after}&wait=${wait}`, timeoutMs);
      if (this.over) return;
      if (answer) {
        failures = 0;
        if (typeof answer["next"] === "number") after = answer["next"];
        this.take(answer["frames"]);
      } else if (++failures >= POLL_FAILURES_MAX) return this.lost();
      else await new Promise((done) => setTimeout(done, POLL_PAUSE_MS));
    }
  }

  /** The answer's body; null if there was none of use, or the session is no more. */
  private async request(
    path: string,
    timeoutMs: number,
    body?: string,
  ): Promise<Record<string, unknown> | null> {
    const headers: Record<string, string> = {};
    if (this.session !== null) headers["Authorization"] = `Bearer ${this.session}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      const response = await fetch(path, {
        method: body === undefined ? "GET" : "POST",
        headers,
        cache: "no-store",
        signal: AbortSignal.any([this.abort.signal, AbortSignal.timeout(timeoutMs)]),
        ...(body !== undefined ? { body } : {}),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (response.status === 401 && this.session !== null) {
        this.lost();
        return null;
      }
      if (response.ok) return answer;
      return answer["type"] === "error" && this.session === null ? answer : null;
    } catch {
      return null;
    }
  }
}

function batchSize(frames: ClientFrame[]): number {
  let count = 0;
  let chars = 0;
  for (const frame of frames) {
    chars += JSON.stringify(frame).length;
    if (count > 0 && (count >= BATCH_FRAMES_MAX || chars > BATCH_CHARS_MAX)) break;
    count++;
  }
  return Math.max(1, count);
}
