/**
 * What the browser remembers for us. Local storage may be missing or full; then the page works, and forgets.
 *
 * Each deed has a key of its own, so that several tabs do not overwrite each other's.
 */
import { standing } from "./notify";
import type { Deed, Remembered, Theme } from "../machine/state";

const PREFIX = "chat.";
const DEED = `${PREFIX}deed.`;
const DRAFT = `${PREFIX}draft.`;

export function remember(key: string, value: string | null): void {
  write(PREFIX + key, value);
}

export function rememberDraft(room: string, text: string): void {
  write(DRAFT + room, text === "" ? null : text);
}

export function keepDeed(deed: Deed): void {
  write(DEED + deed.nonce, JSON.stringify(deed));
}

export function forgetDeed(nonce: string): void {
  write(DEED + nonce, null);
}

export function recall(): Remembered {
  const theme = read(`${PREFIX}theme`);
  return {
    name: read(`${PREFIX}name`),
    uid: read(`${PREFIX}uid`),
    token: read(`${PREFIX}token`),
    rooms: parse(read(`${PREFIX}rooms`), isNames) ?? [],
    current: read(`${PREFIX}current`),
    theme: isTheme(theme) ? theme : "system",
    sound: read(`${PREFIX}sound`) === "on",
    notify: standing(read(`${PREFIX}notify`) === "on"),
    outbox: entries(DEED)
      .map(([, text]) => parse(text, isDeed))
      .filter((deed) => deed !== null)
      .sort((a, b) => a.made - b.made || (a.nonce < b.nonce ? -1 : 1)),
    drafts: Object.fromEntries(entries(DRAFT)),
  };
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Full or forbidden.
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function entries(prefix: string): [string, string][] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => [key.slice(prefix.length), localStorage.getItem(key) ?? ""]);
  } catch {
    return [];
  }
}

function parse<T>(text: string | null, is: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return is(value) ? value : null;
  } catch {
    return null;
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isTheme(value: string | null): value is Theme {
  return value === "system" || value === "light" || value === "dark";
}

function isDeed(value: unknown): value is Deed {
  const deed = value as Partial<Deed> | null;
  return (
    typeof deed === "object" &&
    deed !== null &&
    typeof deed.nonce === "string" &&
    typeof deed.uid === "string" &&
    typeof deed.room === "string" &&
    typeof deed.made === "number" &&
    typeof deed.body?.kind === "string"
  );
}
