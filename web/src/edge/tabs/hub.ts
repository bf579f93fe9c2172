/**
 * The hub: what the tab that has the link does for the other tabs. Messages in, messages out; it owns no socket and no
 * channel.
 *
 * To the server all tabs are one session. An answer finds its tab by its `re`, which is the tab's own with the tab's id
 * before it; what answers nothing is for all. What the server tells a user's other sessions only, the hub tells the
 * other tabs.
 */
import type { ClientFrame, Frame, ServerFrame } from "../../protocol/frames";
import type { Asked, Told } from "./messages";

export type Post =
  { to: "server"; frame: ClientFrame } | { to: "page"; frame: ServerFrame } | { to: "tabs"; message: Told };

export class Hub {
  private connect: Frame<"connect"> | null = null;
  /** The session as it is now; null while there is none. */
  private session: Frame<"session"> | null = null;

  /** `id` is that of the tab it is in. */
  constructor(private readonly id: string) {}

  /** The server says something. What goes to the others is named first: the page may take the frame to pieces. */
  fromServer(frame: ServerFrame): Post[] {
    const page: Post = { to: "page", frame };
    if (frame.type === "connect") {
      this.connect = frame;
      return [page];
    }
    if (frame.type === "session") {
      const { re: _, ...session } = frame;
      const first = this.session === null;
      this.session = session;
      return [first ? this.up(null) : this.tell(session, null, null), page];
    }
    const re = "re" in frame ? frame.re : undefined;
    if (re === undefined) {
      if (frame.type === "renamed" && this.session?.uid === frame.uid) this.session.user = frame.to;
      return [this.tell(frame, null, null), page];
    }
    const asked = askedBy(re);
    return asked === null ? [page] : [this.tell({ ...frame, re: asked.re } as ServerFrame, asked.tab, null)];
  }

  /** The page of this tab says something. */
  fromPage(frame: ClientFrame): Post[] {
    const posts: Post[] = [{ to: "server", frame }];
    if (frame.type === "read") posts.push(this.tell(readOn(frame), null, null));
    return posts;
  }

  /** Another tab says something. */
  fromTab(asked: Asked): Post[] {
    if (asked.kind === "hello") return this.session === null ? [] : [this.up(asked.from)];
    // A link that is lost is told to all; what is said into it is said again over the next.
    if (asked.kind !== "say" || this.session === null) return [];
    const { frame, from } = asked;
    switch (frame.type) {
      case "user_join": {
        // Whoever they were: here they are who this session is.
        const re = frame.re === undefined ? {} : { re: frame.re };
        return [this.tell({ ...this.session, ...re }, from, null)];
      }
      case "quit":
        // The session is everybody's. Who signs out is heard of by all, and the one that has the link ends it.
        return [];
      case "read":
        return [
          { to: "server", frame: marked(from, frame) },
          this.tell(readOn(frame), null, from),
          { to: "page", frame: readOn(frame) },
        ];
      default:
        return [{ to: "server", frame: marked(from, frame) }];
    }
  }

  /** The link is no more. */
  lost(): Post[] {
    if (this.session === null) return [];
    this.session = null;
    return [{ to: "tabs", message: { hub: this.id, kind: "down" } }];
  }

  private up(to: string | null): Post {
    const node = this.session?.node ?? "";
    const connect = this.connect && { ...this.connect, node };
    return { to: "tabs", message: { hub: this.id, kind: "up", to, connect } };
  }

  private tell(frame: ServerFrame, to: string | null, except: string | null): Post {
    return { to: "tabs", message: { hub: this.id, kind: "frame", to, except, frame } };
  }
}

function readOn(frame: Extract<ClientFrame, { type: "read" }>): ServerFrame {
  return { type: "read", room: frame.room, since: { ...frame.since } };
}

/** With the tab's id before its `re`: a dozen bytes of the 64 that there may be. */
function marked(tab: string, frame: ClientFrame): ClientFrame {
  return frame.re === undefined ? frame : { ...frame, re: `${tab}:${frame.re}` };
}

/** Which tab an answer is for, and what it was asked with; null if this tab's page asked. */
function askedBy(re: number | string): { tab: string; re: number } | null {
  if (typeof re === "number") return null;
  const colon = re.indexOf(":");
  return colon < 0 ? null : { tab: re.slice(0, colon), re: Number(re.slice(colon + 1)) };
}
