/**
 * A text, cut into what is shown differently: code, links, mentions. All of it stays text; what is cut out here only
 * gets another look, and only http and https become links.
 */

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  /** Lines between two fences of three backticks. */
  | { kind: "block"; text: string }
  | { kind: "link"; text: string; href: string }
  /** `text` with its `@`. */
  | { kind: "mention"; text: string; name: string };

const BLOCK = /```(?:[\w+-]*\n)?([\s\S]+?)\n?```\n?/gu;
const INLINE =
  /`([^`\n]+)`|\bhttps?:\/\/[^\s<>"'`]+|(?<![\p{L}\p{N}_.@-])@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/giu;

/** What often follows a link without belonging to it. */
const TRAILING = ".,;:!?…";
const OPENING: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(BLOCK)) {
    inline(text.slice(from, match.index), found);
    found.push({ kind: "block", text: match[1] ?? "" });
    from = match.index + match[0].length;
  }
  inline(text.slice(from), found);
  return found;
}

function inline(text: string, found: Piece[]): void {
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const piece = pieceOf(match);
    if (piece === null) continue;
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    found.push(piece.piece);
    from = match.index + piece.length;
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
}

/** What was found, and how many characters of the text it stands for. */
function pieceOf(match: RegExpMatchArray): { piece: Piece; length: number } | null {
  const [whole, code, name] = match;
  if (code !== undefined) return { piece: { kind: "code", text: code }, length: whole.length };
  if (name !== undefined) return { piece: { kind: "mention", text: whole, name }, length: whole.length };
  const link = trimmed(whole);
  const href = safeHref(link);
  return href === null ? null : { piece: { kind: "link", text: link, href }, length: link.length };
}

/** Without the punctuation of the sentence it stands in, and without a bracket that was opened before it. */
function trimmed(link: string): string {
  const count = new Map<string, number>();
  for (const char of link) count.set(char, (count.get(char) ?? 0) + 1);
  let end = link.length;
  for (; end > 0; end--) {
    const char = link.charAt(end - 1);
    const opening = OPENING[char];
    const excess = (count.get(char) ?? 0) - (count.get(opening ?? "") ?? 0);
    if (opening !== undefined && excess > 0) count.set(char, (count.get(char) ?? 0) - 1);
    else if (!TRAILING.includes(char)) break;
  }
  return link.slice(0, end);
}

function safeHref(link: string): string | null {
  try {
    const url = new URL(link);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
