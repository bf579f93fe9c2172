/**
 * What the browser remembers for us. Local storage may be missing or full; then the page works, and forgets.
 *
 * Each deed has a key of its own, so that several tabs do not overwrite each other's. The browser tells each tab what
 * another one writes, also where it has no other way for tabs to hear of each other.
 */
import type { Elsewhere } from "../machine/elsewhere";
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
    used: read(`${PREFIX}used`),
    notify: standing(read(`${PREFIX}notify`) === "on"),
    outbox: entries(DEED)
      .map(([, text]) => deedOf(text))
      .filter((deed) => deed !== null)
      .sort((a, b) => a.made - b.made || (a.nonce < b.nonce ? -1 : 1)),
    drafts: Object.fromEntries(entries(DRAFT)),
  };
}

/** Calls back with what the other tabs write. */
export function hearElsewhere(heard: (change: Elsewhere) => void): void {
  addEventListener("storage", ({ key, oldValue, newValue, storageArea }) => {
    if (storageArea !== localStorage || !key?.startsWith(PREFIX)) return;
    const change = changeOf(key, oldValue, newValue);
    if (change) heard(change);
  });
}

export function changeOf(key: string, was: string | null, value: string | null): Elsewhere | null {
  if (key.startsWith(DRAFT)) {
    return { what: "draft", room: key.slice(DRAFT.length), text: value ?? "" };
  }
  if (key.startsWith(DEED)) return deedChange(key.slice(DEED.length), was, value);
  switch (key.slice(PREFIX.length)) {
    case "theme":
      return { what: "theme", theme: isTheme(value) ? value : "system" };
    case "sound":
      return { what: "sound", on: value === "on" };
    case "notify":
      return { what: "notify", notify: standing(value === "on") };
    case "used":
      return { what: "used", tab: value };
    case "name":
      return value === null ? { what: "signed_out" } : null;
    case "token":
      return signedIn(value);
    case "rooms": {
      const rooms = parse(value, isNames);
      return rooms && { what: "rooms", rooms };
    }
    case "left":
      return value === null ? null : { what: "left", room: value.slice(value.indexOf(" ") + 1) };
    default:
      return null;
  }
}

function deedChange(nonce: string, was: string | null, value: string | null): Elsewhere | null {
  if (value === null) return { what: "deed_gone", nonce, failed: (deedOf(was)?.problem ?? null) !== null };
  const deed = deedOf(value);
  return deed && { what: "deed", deed };
}

/** Name and id are written before the token. */
function signedIn(token: string | null): Elsewhere | null {
  const [name, uid] = [read(`${PREFIX}name`), read(`${PREFIX}uid`)];
  return token === null || name === null || uid === null ? null : { what: "signed_in", name, uid, token };
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

/** One that was written down before tabs had names is nobody's. */
function deedOf(text: string | null): Deed | null {
  const deed = parse(text, isDeed);
  return deed && { ...deed, tab: deed.tab ?? "" };
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
