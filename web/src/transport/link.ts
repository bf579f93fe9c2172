/** A way to the server. Both kinds take and give the same frames. */
import type { ClientFrame, ServerFrame } from "../protocol/frames";

export interface LinkEvents {
  opened(): void;
  /** Something came, perhaps nothing of interest: the link lives. */
  heard(): void;
  frame(frame: ServerFrame): void;
  /** Once, and nothing after it. */
  closed(): void;
}

export interface ServerLink {
  say(frame: ClientFrame): void;
  /** Ends the link; `closed` is not called. */
  close(): void;
}
