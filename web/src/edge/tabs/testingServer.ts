/** A server, as far as tabs have to do with one: sessions, a log of messages, read markers. */
import type { ClientFrame, MessageView, ServerFrame } from "../../protocol/frames";
import type { LinkEvents, ServerLink } from "../../transport/link";

type Session = { events: LinkEvents; rooms: Set<string>; uid: string };

const ORIGIN = "n1-aaaa2222";

export class Server {
  up = true;
  readonly sessions = new Set<Session>();
  readonly messages: MessageView[] = [];
  /** All that was said, by whichever link. */
  readonly said: ClientFrame[] = [];

  open(events: LinkEvents): ServerLink {
    const session: Session = { events, rooms: new Set(), uid: "" };
    queueMicrotask(() => {
      if (!this.up) return events.closed();
      this.sessions.add(session);
      events.opened();
      const limits = { line: 65536, text: 4000, name: 32, room: 48, history: 200 };
      events.frame({ type: "connect", protocol: 1, server: "chat", node: "n1", time: 1, limits });
    });
    return {
      say: (frame) => {
        if (this.sessions.has(session)) this.hear(session, structuredClone(frame));
      },
      close: () => void this.sessions.delete(session),
    };
  }

  /** All links are lost, and none can be had before `up` is set again. */
  fail(): void {
    this.up = false;
    for (const session of [...this.sessions]) {
      this.sessions.delete(session);
      session.events.closed();
    }
  }

  /** Somebody else says something. */
  post(room: string, uid: string, text: string): void {
    const nobody: Session = { events: null as never, rooms: new Set(), uid };
    this.store(nobody, { type: "send", room, text, nonce: `${uid}.${this.messages.length}` }, {});
  }

  private hear(session: Session, frame: ClientFrame): void {
    this.said.push(frame);
    const re = frame.re === undefined ? {} : { re: frame.re };
    const tell = (answer: ServerFrame) => queueMicrotask(() => this.tell(session, answer));
    switch (frame.type) {
      case "user_join": {
        const name = "name" in frame ? frame.name : frame.token;
        session.uid = name;
        return tell({
          type: "session",
          ...re,
          user: name,
          uid: name,
          guest: true,
          role: "user",
          token: name,
          node: "n1",
        });
      }
      case "join": {
        session.rooms.add(frame.room);
        const all = this.messages.filter((one) => one.room === frame.room);
        const held = frame.since?.[ORIGIN] ?? 0;
        const messages = all.filter((one) => one.seq > held);
        return tell({
          type: "room",
          ...re,
          room: frame.room,
          topic: "",
          private: false,
          total: 1,
          users: [],
          messages,
          more: false,
          since: { [ORIGIN]: this.messages.length },
          read: {},
        });
      }
      case "send":
        return tell(this.store(session, frame, re));
      case "read":
        for (const other of this.sessions)
          if (other !== session && other.uid === session.uid)
            this.tell(other, { type: "read", room: frame.room, since: frame.since });
        return tell({ type: "ok", ...re });
      case "ping":
        return tell({ type: "pong", ...re, time: 1 });
      case "rooms":
        return tell({ type: "rooms", ...re, rooms: [] });
      default:
        if (frame.re !== undefined) tell({ type: "ok", ...re });
    }
  }

  private store(
    session: Session,
    frame: Extract<ClientFrame, { type: "send" }>,
    re: { re?: number | string },
  ): ServerFrame {
    let view = this.messages.find((one) => one.nonce === frame.nonce);
    if (!view) {
      const seq = this.messages.length + 1;
      const { room, text, nonce } = frame;
      const uid = session.uid;
      view = { room, text, nonce, uid, from: uid, id: `id.${nonce}`, ts: seq * 1000, origin: ORIGIN, seq };
      this.messages.push(view);
      const told: ServerFrame = { type: "new_message", ...view };
      for (const other of this.sessions)
        if (other.rooms.has(room)) queueMicrotask(() => this.tell(other, told));
    }
    const { nonce, room, id, ts, origin, seq } = view;
    return { type: "sent", ...re, nonce, room, id, ts, origin, seq, copies: 1 };
  }

  private tell(session: Session, frame: ServerFrame): void {
    if (this.sessions.has(session)) session.events.frame(structuredClone(frame));
  }
}
