/** The server over a WebSocket: one frame a message. */
import type { ClientFrame } from "../protocol/frames";
import { checked } from "../protocol/checked";
import type { LinkEvents, ServerLink } from "./link";

function address(): string {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export function openWebSocket(events: LinkEvents): ServerLink {
  const socket = new WebSocket(address());
  let over = false;
  const end = (tell: boolean) => {
    if (over) return;
    over = true;
    socket.close();
    if (tell) events.closed();
  };
  socket.onopen = () => {
    if (!over) events.opened();
  };
  socket.onmessage = (message) => {
    if (over || typeof message.data !== "string") return;
    events.heard();
    const frame = parse(message.data);
    if (frame) events.frame(frame);
  };
  socket.onclose = () => end(true);
  socket.onerror = () => end(true);
  return {
    say(frame: ClientFrame) {
      if (!over && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    },
    close: () => end(false),
  };
}

function parse(text: string) {
  try {
    return checked(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Tries whether a WebSocket can be opened at all, and calls back if so. */
export function probeWebSocket(works: () => void, waitMs: number): void {
  const socket = new WebSocket(address());
  const timer = setTimeout(() => socket.close(), waitMs);
  // Only a frame shows that what answers is our server; some proxies accept the handshake and no more.
  socket.onmessage = () => {
    clearTimeout(timer);
    socket.close();
    works();
  };
}
