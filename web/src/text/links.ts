/** Links: only http, https and mail addresses, and none that leads elsewhere than it says without saying so. */
import type { Inline } from "./inline";

export interface Link {
  href: string;
  /** Where it leads, if what is shown does not say so. */
  host: string | null;
  children: Inline[];
}

interface FoundLink {
  label: string;
  href: string;
  host: string | null;
  /** Where the text goes on. */
  end: number;
}

const BARE = /https?:\/\/[^\s<>"'`]+/iy;
/** What often follows a link without belonging to it. */
const TRAILING = ".,;:!?…*~";
const OPENING: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
/** Brackets within brackets of an address: Wikipedia has one. */
const PARENS_MAX = 4;

/** An address that stands in the text as it is. */
export function bareLink(text: string, at: number, withinUnderscores: boolean): FoundLink | null {
  BARE.lastIndex = at;
  const whole = BARE.exec(text)?.[0];
  if (whole === undefined) return null;
  const label = trimmed(whole, withinUnderscores ? `${TRAILING}_` : TRAILING);
  const target = safe(label);
  if (!target || target.protocol === "mailto:") return null;
  return { label, href: target.href, host: hostUnsaid(label, target), end: at + label.length };
}

/** `[text](address)`: the text from `open` to `close`, the address behind it. */
export function markedLink(text: string, open: number, close: number): FoundLink | null {
  const label = text.slice(open + 1, close);
  if (text[close + 1] !== "(" || label.trim() === "") return null;
  const end = endOfAddress(text, close + 2);
  if (end === null) return null;
  const target = safe(text.slice(close + 2, end));
  return target && { label, href: target.href, host: hostUnsaid(label, target), end: end + 1 };
}

/** Where the bracket around an address closes. */
function endOfAddress(text: string, from: number): number | null {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at] ?? "";
    if (/[\s<>"`]/.test(char)) return null;
    if (char === "(" && ++depth > PARENS_MAX) return null;
    if (char === ")" && depth-- === 0) return at;
  }
  return null;
}

/** Without the punctuation of the sentence it stands in, and without a bracket that was opened before it. */
function trimmed(link: string, trailing: string): string {
  const count = new Map<string, number>();
  for (const char of link) count.set(char, (count.get(char) ?? 0) + 1);
  let end = link.length;
  for (; end > 0; end--) {
    const char = link.charAt(end - 1);
    const opening = OPENING[char];
    const excess = (count.get(char) ?? 0) - (count.get(opening ?? "") ?? 0);
    if (opening !== undefined && excess > 0) count.set(char, (count.get(char) ?? 0) - 1);
    else if (!trailing.includes(char)) break;
  }
  return link.slice(0, end);
}

function safe(address: string): URL | null {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/**
 * Where a link leads, unless its text says just that: its first part, read as an address, is the same host in the same
 * letters. Letters of other scripts that look alike are told apart by this, and `https://bank.test@evil.test` is.
 */
function hostUnsaid(label: string, target: URL): string | null {
  const said = label.trim().toLowerCase();
  if (target.protocol === "mailto:") {
    const address = target.pathname.toLowerCase();
    return said === address || said === `mailto:${address}` ? null : cut(address);
  }
  const host = /^(?:https?:\/\/)?([^/?#\s]*)/.exec(said)?.[1] ?? "";
  const port = target.protocol === "https:" ? ":443" : ":80";
  const plain = host.endsWith(port) ? host.slice(0, -port.length) : host;
  return plain === target.host && !/\s/.test(said) ? null : cut(target.host);
}

/** The end of a host says whose it is. */
function cut(host: string): string {
  return host.length > 60 ? `…${host.slice(-59)}` : host;
}
