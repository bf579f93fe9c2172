/** Polling, whose code is fetched apart: most never need it, and the first load has a budget. */
import type { LinkEvents, ServerLink } from "./link";
import type { ClientFrame } from "../protocol/frames";

const load = () => import("./polling");

/** Fetches it ahead: when it is needed, the way to the server may be bad, or the server a newer one. */
export function fetchPolling(): void {
  load().catch(() => undefined);
}

export function openPolling(events: LinkEvents): ServerLink {
  let link: ServerLink | null = null;
  let over = false;
  const waiting: ClientFrame[] = [];
  load().then(
    (polling) => {
      if (over) return;
      link = polling.openPolling(events);
      for (const frame of waiting) link.say(frame);
    },
    () => over || events.closed(),
  );
  return {
    say(frame) {
      if (link) link.say(frame);
      else waiting.push(frame);
    },
    close() {
      over = true;
      link?.close();
    },
  };
}
