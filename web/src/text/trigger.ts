/** What is being typed that could be completed: a mention, an emoji, a room. */

export interface Trigger {
  kind: "mention" | "emoji" | "room";
  /** What stands behind the sign. */
  query: string;
  /** Where the sign stands. */
  from: number;
  /** An emoji's name that was closed by its second colon. */
  closed: boolean;
}

const KINDS = { "@": "mention", "#": "room", ":": "emoji" } as const;
/** Looked at before the caret; longer names than this nobody types by completion. */
const BEFORE_CHARS = 60;
/** A colon alone, or with one letter, is more often a face or a time. */
const SIGNED = /(?:^|[\s([{"'*_>])(?:([@#])([\p{L}\p{N}_.-]*)|(:)([a-z0-9_+-]{2,})(:?))$/iu;

export function triggerAt(text: string, caret: number): Trigger | null {
  const match = SIGNED.exec(text.slice(Math.max(0, caret - BEFORE_CHARS), caret));
  if (!match) return null;
  const sign = (match[1] ?? match[3]) as keyof typeof KINDS;
  const query = match[2] ?? match[4] ?? "";
  const closed = match[5] === ":";
  return { kind: KINDS[sign], query, from: caret - query.length - 1 - Number(closed), closed };
}
