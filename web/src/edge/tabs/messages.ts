/** What the tabs of one browser say to each other. Both ends are the same version of the page: its number is in the channel's name. */
import type { ConnectionState } from "../../machine/link";
import type { ClientFrame, Frame, ServerFrame } from "../../protocol/frames";

/** From a tab to the one that has the link. */
export type Asked = { from: string } & (
  | { kind: "hello" }
  | { kind: "say"; frame: ClientFrame }
  /** A tab in front lends the leader its clock: those of tabs in the back are slowed down. */
  | { kind: "tick" }
  | { kind: "retry" }
);

/** From the tab that has the link (`hub` says which) to one of the others, or to all. */
export type Told = { hub: string } & (
  | { kind: "lead" }
  | { kind: "state"; state: ConnectionState }
  | { kind: "up"; to: string | null; connect: Frame<"connect"> | null }
  | { kind: "down" }
  | { kind: "frame"; to: string | null; except: string | null; frame: ServerFrame }
);

export function isAsked(message: unknown): message is Asked {
  return typeof (message as Partial<Asked> | null)?.from === "string";
}

export function isTold(message: unknown): message is Told {
  return typeof (message as Partial<Told> | null)?.hub === "string";
}
