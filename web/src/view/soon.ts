/**
 * What is not needed to show that somebody said something, but soon after: how Markdown looks, and what can be done with
 * a message. It is fetched once there is a user, beside the connection, and so is mostly here before the first message;
 * until then texts stand as they were typed.
 */
import { createSignal } from "solid-js";
import { cleanLine, cleanText } from "../text/clean";

type Parts = typeof import("./messageParts");

const RETRY_MS = 3000;

const [parts, setParts] = createSignal<Parts | null>(null);
let asked = false;

/** The parts, once they are here. */
export const soon = parts;

export function fetchSoon(): void {
  if (asked) return;
  asked = true;
  import("./messageParts").then(
    (loaded) => setParts(() => loaded),
    () => {
      asked = false;
      setTimeout(fetchSoon, RETRY_MS);
    },
  );
}

/** What a message said, on one line. */
export function excerpt(text: string): string {
  return soon()?.onOneLine(cleanText(text)) ?? cleanLine(text);
}
