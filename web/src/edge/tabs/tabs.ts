/**
 * The tabs of one browser: one of them leads, by a lock that the browser gives to the next when its tab is gone, and
 * has the link to the server; the others have theirs through it, over a channel. Each runs its own page on its link and
 * does not know the difference.
 *
 * Without locks or channels (plain http from another machine) and where the address asks for polling, a tab is alone
 * and has a link of its own.
 */
import type { Event } from "../../machine/events";
import type { ConnectionState } from "../../machine/link";
import type { Transport } from "../../machine/state";
import type { ClientFrame } from "../../protocol/frames";
import { LEADER_TICK_MS, LEADER_TICKS_MAX } from "../../protocol/limits";
import type { LinkEvents, ServerLink } from "../../transport/link";
import { Hub, type Post } from "./hub";
import { isAsked, isTold, type Asked, type Told } from "./messages";

/** Changes with what the tabs say to each other. */
const VERSION = 1;
const LEADER = `chat.${VERSION}.leader`;
const TAB = `chat.${VERSION}.tab.`;

type Role = "unknown" | "leader" | "follower" | "alone";

/** The link that the page has: its own (`real`), the leader's (`lent`), or none before the roles are known. */
interface Way {
  kind: "unknown" | "real" | "lent";
  transport: Transport;
  signedIn: boolean;
  events: LinkEvents;
  real: ServerLink | null;
  /** The leader has said that its link is up; it has told us of our session. */
  open: boolean;
  greeted: boolean;
}

/** What a browser has for tabs to know of each other. */
export interface Sharing {
  locks: Pick<LockManager, "request" | "query">;
  channel: Pick<BroadcastChannel, "postMessage" | "onmessage">;
}

/** `navigator.locks` exists only where the page is served over https, or from this machine. */
export function sharing(): Sharing | null {
  if (!("locks" in navigator && "BroadcastChannel" in globalThis)) return null;
  return { locks: navigator.locks, channel: new BroadcastChannel(`chat.${VERSION}`) };
}

export type OpenReal = (transport: Transport, events: LinkEvents) => ServerLink;

export class Tabs {
  private role: Role = "unknown";
  private leader: string | null = null;
  private hub: Hub | null = null;
  private way: Way | null = null;
  private queued: AbortController | null = null;
  private state: ConnectionState | null = null;
  private tickedAt = 0;
  private askedAt = 0;
  private unanswered = 0;

  /** `id` is this tab's: none has it again, and it goes with the page. */
  constructor(
    readonly id: string,
    private readonly browser: Sharing | null,
    alone: boolean,
    private readonly dispatch: (event: Event) => void,
    private readonly openReal: OpenReal,
  ) {
    // As long as this is held, the tab is there.
    browser?.locks.request(TAB + id, forever).catch(() => undefined);
    if (browser === null || alone) {
      this.role = "alone";
      return;
    }
    browser.channel.onmessage = (event: MessageEvent<unknown>) => this.onMessage(event.data);
    this.elect({ ifAvailable: true });
  }

  /** The link for the page. Who is nobody yet has to ask for a name, and does that over a link of its own. */
  open(transport: Transport, events: LinkEvents, signedIn: boolean): ServerLink {
    const way: Way = {
      kind: "unknown",
      transport,
      signedIn,
      events,
      real: null,
      open: false,
      greeted: false,
    };
    this.way = way;
    if (this.role !== "unknown") this.connect(way);
    return {
      say: (frame) => {
        if (this.way === way) this.say(way, frame);
      },
      close: () => {
        if (this.way === way) this.end(way);
      },
    };
  }

  /** The page has a link of its own, and could have the leader's. */
  get misplaced(): boolean {
    return this.role === "follower" && this.way?.kind === "real";
  }

  /** How the link of the page is, when it is ours: the others show it too. */
  tell(state: ConnectionState): void {
    if (this.role !== "leader" || state === this.state) return;
    this.state = state;
    this.post({ hub: this.id, kind: "state", state });
  }

  retry(): void {
    if (this.role === "follower") this.post({ from: this.id, kind: "retry" });
  }

  /** Called with the page's ticks: is there still somebody who leads? */
  tick(now: number, visible: boolean): void {
    this.tickedAt = now;
    if (this.role !== "follower" || !visible) {
      this.unanswered = 0;
      return;
    }
    if (now - this.askedAt < LEADER_TICK_MS) return;
    this.askedAt = now;
    // A leader that stands still keeps its lock.
    if (++this.unanswered > LEADER_TICKS_MAX) this.elect({ steal: true });
    else this.post({ from: this.id, kind: "tick" });
  }

  /** Looks which tabs there are, if that is for this one to do: what others left unsaid has to be said by somebody. */
  async lookAround(graceMs: number): Promise<void> {
    if (this.role === "follower" || this.role === "unknown") return;
    const locks = await this.browser?.locks.query().catch(() => null);
    if (!locks) return this.dispatch({ type: "tabs_present", tabs: null, graceMs });
    const names = (locks.held ?? []).map((lock) => lock.name ?? "");
    const tabs = names.filter((name) => name.startsWith(TAB)).map((name) => name.slice(TAB.length));
    this.dispatch({ type: "tabs_present", tabs, graceMs: 0 });
  }

  private elect(options: LockOptions): void {
    this.queued?.abort();
    this.unanswered = 0;
    this.browser?.locks
      .request(LEADER, options, (lock) => {
        if (lock !== null) return this.lead();
        this.follow();
        return undefined;
      })
      .catch(() => {
        // Somebody took the lead while this page stood still; or the browser has locks, and gives none.
        if (this.role === "leader") this.follow();
        else if (this.role === "unknown") this.goAlone();
      });
  }

  private goAlone(): void {
    this.role = "alone";
    this.begin();
    void this.lookAround(0);
  }

  private lead(): Promise<never> {
    this.role = "leader";
    this.leader = this.id;
    this.hub = new Hub(this.id);
    this.state = null;
    this.post({ hub: this.id, kind: "lead" });
    this.dispatch({ type: "leader_told", state: null });
    this.begin();
    void this.lookAround(0);
    return forever();
  }

  private follow(): void {
    this.role = "follower";
    this.hub = null;
    this.leader = null;
    this.dispatch({ type: "leader_told", state: "connecting" });
    this.begin();
    const queued = new AbortController();
    this.queued = queued;
    this.browser?.locks
      .request(LEADER, { signal: queued.signal }, () => this.lead())
      .catch(() => {
        if (this.role === "leader") this.follow();
      });
  }

  /** The role has changed: a link of before is of no use, one that waited for it is made. */
  private begin(): void {
    const way = this.way;
    if (way?.kind === "unknown") this.connect(way);
    else if (way) this.drop(way);
  }

  private connect(way: Way): void {
    if (this.role === "follower" && way.signedIn) {
      way.kind = "lent";
      this.post({ from: this.id, kind: "hello" });
      return;
    }
    way.kind = "real";
    const mine = this.hub;
    way.real = this.openReal(way.transport, {
      opened: way.events.opened,
      heard: way.events.heard,
      frame: (frame) => (mine ? this.carryOut(way, mine.fromServer(frame)) : way.events.frame(frame)),
      closed: () => this.drop(way),
    });
  }

  private say(way: Way, frame: ClientFrame): void {
    if (way.kind === "lent") this.post({ from: this.id, kind: "say", frame: plain(frame) });
    else if (this.hub) this.carryOut(way, this.hub.fromPage(frame));
    else way.real?.say(frame);
  }

  private carryOut(way: Way | null, posts: Post[]): void {
    for (const post of posts) {
      if (post.to === "tabs") this.post(post.message);
      else if (post.to === "server") way?.real?.say(post.frame);
      else way?.events.frame(post.frame);
    }
  }

  /** Ends a link from our side. */
  private end(way: Way): void {
    if (this.way === way) this.way = null;
    way.real?.close();
    if (way.real && this.hub) this.carryOut(null, this.hub.lost());
  }

  /** A link is lost. */
  private drop(way: Way): void {
    this.end(way);
    way.events.closed();
  }

  private onMessage(message: unknown): void {
    if (isAsked(message)) {
      if (this.role === "leader") this.onAsked(message);
    } else if (isTold(message) && this.role === "follower") this.onTold(message);
  }

  private onAsked(asked: Asked): void {
    if (asked.kind === "tick" && Date.now() - this.tickedAt >= LEADER_TICK_MS)
      this.dispatch({ type: "tick" });
    if (asked.kind === "retry") this.dispatch({ type: "reconnect_asked" });
    if ((asked.kind === "tick" || asked.kind === "hello") && this.state !== null) {
      this.post({ hub: this.id, kind: "state", state: this.state });
    }
    if (this.hub) this.carryOut(this.way, this.hub.fromTab(asked));
  }

  private onTold(told: Told): void {
    this.unanswered = 0;
    if (told.kind === "lead") {
      this.leader = told.hub;
      if (this.way?.kind === "lent") this.drop(this.way);
      return;
    }
    this.leader ??= told.hub;
    // One that has lost the lead may not know it yet.
    if (told.hub !== this.leader) return;
    if (told.kind === "state") return this.dispatch({ type: "leader_told", state: told.state });
    const way = this.way;
    if (way?.kind !== "lent") return;
    if (told.kind === "down") {
      if (way.open) this.drop(way);
    } else if (told.kind === "up") {
      if (way.open || (told.to !== null && told.to !== this.id)) return;
      way.open = true;
      way.events.opened();
      if (told.connect) way.events.frame(told.connect);
    } else if (told.to === this.id ? way.open : told.to === null && told.except !== this.id && way.greeted) {
      if (told.to !== null && told.frame.type === "session") way.greeted = true;
      way.events.frame(told.frame);
    }
  }

  private post(message: Asked | Told): void {
    this.browser?.channel.postMessage(message);
  }
}

function forever(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** What the state is made of cannot be sent as it is. */
function plain(frame: ClientFrame): ClientFrame {
  return JSON.parse(JSON.stringify(frame)) as ClientFrame;
}
