/** What the tests of the machine share: a page that is driven by hand, and says what it did. */
import type { ClientFrame, Frame, MessageView, ServerFrame } from "../protocol/frames";
import type { Effect, Event } from "./events";
import { findRoom, initialState, type Deed, type Message, type Remembered, type Room } from "./state";
import { update } from "./update";

export const ORIGIN = "n1-aaaa2222";
export const ME = "meuid2345678";

export class Page {
  readonly state = initialState();
  readonly effects: Effect[] = [];
  now = 1_000_000;
  chance = 0;

  static forgotten(): Remembered {
    return {
      name: null,
      uid: null,
      token: null,
      rooms: [],
      current: null,
      theme: "system",
      sound: false,
      used: null,
      notify: "off",
      outbox: [],
      drafts: {},
    };
  }

  do(event: Event): Effect[] {
    const effects = update(this.state, event, { now: this.now, chance: this.chance });
    this.effects.push(...effects);
    return effects;
  }

  start(remembered: Partial<Remembered> = {}, tab = ""): void {
    this.do({
      type: "started",
      tab,
      remembered: { ...Page.forgotten(), ...remembered },
      pollOnly: false,
      room: null,
    });
  }

  /** A frame comes in over the link of now. */
  hear(frame: ServerFrame): Effect[] {
    return this.do({ type: "link_frame", serial: this.state.link.serial, frame });
  }

  /** The frames said since the last call. */
  said(): ClientFrame[] {
    const frames = this.effects.filter((effect) => effect.type === "say").map((effect) => effect.frame);
    this.effects.length = 0;
    return frames;
  }

  pass(ms: number, stepMs = 500): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + stepMs);
      this.do({ type: "tick" });
    }
  }

  /** Opens the link and the session; returns what was said then. */
  connect(): ClientFrame[] {
    this.do({ type: "link_opened", serial: this.state.link.serial });
    const hello = this.said().find((frame) => frame.type === "user_join");
    this.hear(session(hello?.re));
    return this.said();
  }

  /** A page in the lobby, which holds `messages`. */
  static inLobby(messages: MessageView[] = [], answer: Partial<Frame<"room">> = {}): Page {
    const page = new Page();
    page.start({ name: "mia", token: "token" });
    const join = page.connect().find((frame) => frame.type === "join");
    page.hear(roomFrame(join?.re, messages, answer));
    page.said();
    return page;
  }

  loseLink(): void {
    this.do({ type: "link_closed", serial: this.state.link.serial });
    this.now += 200;
    this.do({ type: "retry_due", serial: this.state.link.serial });
    this.said();
  }

  get lobby(): Room {
    const room = findRoom(this.state, "lobby");
    if (!room) throw new Error("no lobby");
    return room;
  }

  texts(): string[] {
    return this.messages().map((message) => message.text);
  }

  messages(): Message[] {
    return this.lobby.timeline.filter((item): item is Message => item.kind === "message");
  }

  /** Writes and sends. */
  write(text: string, nonce: string): void {
    this.do({ type: "draft_changed", text });
    this.do({ type: "submitted", nonce });
  }

  kept(): Deed[] {
    return this.state.outbox;
  }
}

export function session(re: number | string | undefined): ServerFrame {
  return {
    type: "session",
    ...(re !== undefined ? { re } : {}),
    user: "mia",
    uid: ME,
    guest: true,
    role: "user",
    token: "token",
    node: "n1",
  };
}

export function roomFrame(
  re: number | string | undefined,
  messages: MessageView[],
  answer: Partial<Frame<"room">> = {},
): ServerFrame {
  const last = messages.at(-1)?.seq ?? 0;
  return {
    type: "room",
    ...(re !== undefined ? { re } : {}),
    room: "lobby",
    topic: "",
    private: false,
    total: 1,
    users: [{ name: "mia", uid: ME }],
    messages,
    more: false,
    since: last > 0 ? { [ORIGIN]: last } : {},
    read: {},
    ...answer,
  };
}

/** Message number `n`, by bob, at time `n` milliseconds. */
export function view(n: number, over: Partial<MessageView> = {}): MessageView {
  return {
    room: "lobby",
    id: `bob.${n}`,
    nonce: `${n}`,
    from: "bob",
    uid: "bob",
    ts: n * 1000,
    origin: ORIGIN,
    seq: n,
    text: `m${n}`,
    ...over,
  };
}

export function live(n: number, over: Partial<MessageView> = {}): ServerFrame {
  return { type: "new_message", ...view(n, over), room: over.room ?? "lobby" };
}

export function views(from: number, to: number): MessageView[] {
  return Array.from({ length: to - from + 1 }, (_, i) => view(from + i));
}
