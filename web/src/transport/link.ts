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

/** Reads a frame; what is none is passed over. */
export function parseFrame(value: unknown): ServerFrame | null {
  if (typeof value !== "object" || value === null) return null;
  return typeof (value as { type?: unknown }).type === "string" ? (value as ServerFrame) : null;
}
