/** A browser with tabs, as far as they have to do with it: locks, a channel, storage, and the page in each. */
import type { Effect, Event } from "../../machine/events";
import { connectionState } from "../../machine/link";
import { findRoom, initialState, type Message } from "../../machine/state";
import { update } from "../../machine/update";
import type { LinkEvents, ServerLink } from "../../transport/link";
import * as storage from "../storage";
import type { Server } from "./testingServer";
import { Tabs, type Sharing } from "./tabs";

interface Held {
  name: string;
  by: Tab;
  done: () => void;
  lost: (why: Error) => void;
}

type Request = Held & { grant: (lock: Lock | null) => unknown };

export class Browser {
  readonly tabs: Tab[] = [];
  readonly store = new Map<string, string>();
  now = 1_000_000;
  private count = 0;
  private readonly held: Held[] = [];
  private readonly queue: Request[] = [];
  /** The tab whose turn it is: what it writes it is not told of. */
  private writing: Tab | null = null;

  constructor(
    readonly server: Server,
    private readonly givesLocks = true,
  ) {}

  open(alone = false): Tab {
    const tab = new Tab(this, `T${++this.count}`, alone);
    this.tabs.push(tab);
    tab.start();
    return tab;
  }

  /** A tab is gone, from one moment to the next. */
  close(tab: Tab): void {
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    tab.closed = true;
    for (const link of tab.links.values()) link.close();
    for (const list of [this.queue, this.held])
      for (let i = list.length - 1; i >= 0; i--) if (list[i]?.by === tab) list.splice(i, 1);
    this.grant();
  }

  /** Lets time go by, for all but those that stand still. */
  async pass(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end;) {
      await settle();
      this.now += 100;
      for (const tab of [...this.tabs]) if (!tab.still) tab.pass();
    }
    await settle();
  }

  write(by: Tab, write: () => void): void {
    this.writing = by;
    write();
    this.writing = null;
  }

  /** What `localStorage` does in a browser. */
  get localStorage(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
    const set = (key: string, value: string | null) => {
      const was = this.store.get(key) ?? null;
      if (was === value) return;
      if (value === null) this.store.delete(key);
      else this.store.set(key, value);
      for (const tab of this.tabs) {
        if (tab === this.writing) continue;
        queueMicrotask(() => {
          const change = storage.changeOf(key, was, value);
          if (change) tab.hear(() => tab.dispatch({ type: "elsewhere", change }));
        });
      }
    };
    return {
      getItem: (key) => this.store.get(key) ?? null,
      setItem: (key, value) => set(key, value),
      removeItem: (key) => set(key, null),
    };
  }

  sharing(tab: Tab): Sharing {
    const request = (name: string, ...rest: unknown[]) => {
      const grant = rest.pop() as Request["grant"];
      const options = (rest[0] ?? {}) as LockOptions;
      return new Promise((resolve, reject) => {
        if (!this.givesLocks) return reject(new Error("not here"));
        const asked = { name, by: tab, grant, done: () => resolve(undefined), lost: reject } as Request;
        const holder = this.held.find((one) => one.name === name);
        if (options.ifAvailable && holder) return queueMicrotask(() => resolve(grant(null)));
        if (options.steal && holder) {
          this.held.splice(this.held.indexOf(holder), 1);
          holder.by.hear(() => holder.lost(new Error("stolen")));
        }
        options.signal?.addEventListener("abort", () => {
          const at = this.queue.indexOf(asked);
          if (at < 0) return;
          this.queue.splice(at, 1);
          reject(new Error("aborted"));
        });
        if (options.steal) this.queue.unshift(asked);
        else this.queue.push(asked);
        this.grant();
      });
    };
    const channel: Sharing["channel"] = {
      onmessage: null,
      postMessage: (message: unknown) => {
        const copy = JSON.stringify(structuredClone(message));
        for (const other of this.tabs)
          if (other !== tab)
            queueMicrotask(() =>
              other.hear(() =>
                other.sharing.channel.onmessage?.call(
                  null as never,
                  { data: JSON.parse(copy) } as MessageEvent,
                ),
              ),
            );
      },
    };
    const query = () =>
      !this.givesLocks
        ? Promise.reject(new Error("not here"))
        : Promise.resolve({ held: this.held.map(({ name }) => ({ name })), pending: [] });
    return { locks: { request, query } as unknown as Sharing["locks"], channel };
  }

  private grant(): void {
    for (const asked of [...this.queue]) {
      if (this.held.some((one) => one.name === asked.name)) continue;
      this.queue.splice(this.queue.indexOf(asked), 1);
      this.held.push(asked);
      queueMicrotask(() => asked.by.hear(() => asked.grant({ name: asked.name } as Lock)));
    }
  }
}

/** The page in a tab: the machine, and as much of the edge as there is to it. */
export class Tab {
  readonly state = initialState();
  readonly links = new Map<number, ServerLink>();
  readonly sharing: Sharing;
  tabs!: Tabs;
  closed = false;
  /** Its script stands still; what it would hear waits. */
  still = false;
  blips = 0;
  private readonly missed: (() => void)[] = [];
  private readonly queue: Event[] = [];
  private readonly due: { at: number; event: Event }[] = [];
  private busy = false;
  private tickedAt = 0;

  constructor(
    private readonly browser: Browser,
    readonly id: string,
    private readonly alone: boolean,
  ) {
    this.sharing = browser.sharing(this);
  }

  start(): void {
    this.tabs = new Tabs(
      this.id,
      this.sharing,
      this.alone,
      (event) => this.dispatch(event),
      (_, events) =>
        this.browser.server.open({
          opened: () => this.hear(events.opened),
          heard: () => this.hear(events.heard),
          frame: (frame) => this.hear(() => events.frame(frame)),
          closed: () => this.hear(events.closed),
        }),
    );
    const remembered = storage.recall();
    this.dispatch({ type: "started", tab: this.id, remembered, pollOnly: this.alone, room: null });
    void this.tabs.lookAround(0);
  }

  hear(what: () => void): void {
    if (this.closed) return;
    if (this.still) this.missed.push(what);
    else what();
  }

  goOn(): void {
    this.still = false;
    for (const what of this.missed.splice(0)) what();
  }

  pass(): void {
    for (const { event } of this.due
      .splice(0)
      .filter((one) => one.at <= this.browser.now || !this.due.push(one)))
      this.dispatch(event);
    if (this.browser.now - this.tickedAt < 500) return;
    this.tickedAt = this.browser.now;
    this.dispatch({ type: "tick" });
    this.tabs.tick(this.browser.now, this.state.visible);
  }

  dispatch(event: Event): void {
    if (this.closed) return;
    this.queue.push(event);
    if (this.busy) return;
    this.busy = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const effects = update(this.state, next, { now: this.browser.now, chance: 0.5 });
      for (const effect of effects) this.browser.write(this, () => this.carryOut(effect));
    }
    this.busy = false;
    this.tabs.tell(connectionState(this.state.link));
    if (this.tabs.misplaced && this.state.link.phase === "up") this.dispatch({ type: "link_misplaced" });
  }

  private carryOut(effect: Effect): void {
    switch (effect.type) {
      case "open": {
        const { serial } = effect;
        const events: LinkEvents = {
          opened: () => this.dispatch({ type: "link_opened", serial }),
          heard: () => this.dispatch({ type: "link_heard", serial }),
          frame: (frame) => this.dispatch({ type: "link_frame", serial, frame }),
          closed: () => {
            this.links.delete(serial);
            this.dispatch({ type: "link_closed", serial });
          },
        };
        this.links.set(serial, this.tabs.open(effect.transport, events, this.state.token !== null));
        return;
      }
      case "close":
        this.links.get(effect.serial)?.close();
        this.links.delete(effect.serial);
        return;
      case "say":
        return this.links.get(effect.serial)?.say(effect.frame);
      case "retry_after": {
        const event: Event = { type: "retry_due", serial: effect.serial };
        this.due.push({ at: this.browser.now + effect.ms, event });
        return;
      }
      case "remember":
        return storage.remember(effect.key, effect.value);
      case "remember_draft":
        return storage.rememberDraft(effect.room, effect.text);
      case "keep_deed":
        return storage.keepDeed(effect.deed);
      case "forget_deed":
        return storage.forgetDeed(effect.nonce);
      case "ask_present":
        return void this.tabs.lookAround(10_000);
      case "ask_retry":
        return this.tabs.retry();
      case "blip":
        this.blips++;
        return;
      case "probe_socket":
      case "focus_composer":
        return;
    }
  }

  signIn(name: string): void {
    this.dispatch({ type: "name_chosen", name });
  }

  write(text: string, nonce: string): void {
    this.dispatch({ type: "draft_changed", text });
    this.dispatch({ type: "submitted", nonce });
  }

  get connection(): string {
    return connectionState(this.state.link);
  }

  /** The messages of the lobby, each with its state. */
  get lobby(): string[] {
    const messages = [...(findRoom(this.state, "lobby")?.timeline ?? [])];
    return messages
      .filter((item): item is Message => item.kind === "message")
      .map(({ text, status }) => `${text} ${status}`);
  }
}

/** Until all that is on its way in this moment has arrived. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((done) => setImmediate(done));
}
