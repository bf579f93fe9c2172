/** Links in a text: http and https, as they stand there, and nothing else. */

export type Piece = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

const LINK = /\bhttps?:\/\/[^\s<>"'`]+/giu;

/** What often follows a link without belonging to it. */
const TRAILING = /[.,;:!?…]+$/u;

export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimmed(match[0]);
    const href = safeHref(link);
    if (href === null) continue;
    if (match.index > from) pieces.push({ kind: "text", text: text.slice(from, match.index) });
    pieces.push({ kind: "link", text: link, href });
    from = match.index + link.length;
  }
  if (from < text.length) pieces.push({ kind: "text", text: text.slice(from) });
  return pieces;
}

/** Without the punctuation of the sentence it stands in, and without a bracket that was opened before it. */
function trimmed(link: string): string {
  let result = link.replace(TRAILING, "");
  while (/[)\]}]$/u.test(result) && !balanced(result)) result = result.slice(0, -1).replace(TRAILING, "");
  return result;
}

function balanced(text: string): boolean {
  const close = text.at(-1) ?? "";
  const open = { ")": "(", "]": "[", "}": "{" }[close] ?? "";
  return text.split(open).length >= text.split(close).length;
}

function safeHref(link: string): string | null {
  try {
    const url = new URL(link);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
