/**
 * What stands within a line of Markdown: bold, italics, strike, code, links, mentions, rooms.
 *
 * One pass over the text. Of each mark at most one is open at a time (a later one takes its place and the earlier stays
 * text), so that nothing has to be looked for and nesting is bounded by the number of marks.
 */
import { bareLink, markedLink, type Link } from "./links";

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "strong" | "emphasis" | "strike"; children: Inline[] }
  | { kind: "code"; text: string }
  | ({ kind: "link" } & Link)
  /** `text` with its `@`. */
  | { kind: "mention"; text: string; name: string }
  /** `text` with its `#`; whether there is such a room, this does not know. */
  | { kind: "room"; text: string; name: string };

/** `__` is none of them: `__init__` is more often a name than bold. */
const MARKS = { "**": "strong", "*": "emphasis", _: "emphasis", "~~": "strike" } as const;
type Mark = keyof typeof MARKS;

/** In these scripts words stand without spaces, so that a mark within them is meant. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/u;
const WORD = /[\p{L}\p{N}_]/u;
const MENTION = /@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/uy;
const ROOM = /#([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/uy;
/** Without any of these a text is only text. */
const SPECIAL = /[*_~`[@#\\]|https?:/i;
const NEXT_SPECIAL = /[*_~`[@#\\\n]|https?:/gi;
const HTTP = /https?:/iy;

export function inline(text: string): Inline[] {
  if (text === "") return [];
  if (!SPECIAL.test(text)) return [{ kind: "text", text }];
  return new Scan(text, true).run();
}

class Scan {
  private at = 0;
  private out: Inline[] = [];
  /** Where in `out` the open mark stands as text. */
  private readonly open = new Map<Mark, number>();
  /** Those that would have opened something, but for a backslash. */
  private readonly escapedMarks = new Set<string>();
  private readonly ticks: Ticks;
  private brackets: Map<number, number> | undefined;

  constructor(
    private readonly text: string,
    /** A link's text holds no links and no mentions. */
    private readonly links: boolean,
  ) {
    this.ticks = new Ticks(text);
  }

  run(): Inline[] {
    const { text } = this;
    while (this.at < text.length) {
      NEXT_SPECIAL.lastIndex = this.at;
      const next = NEXT_SPECIAL.exec(text)?.index ?? text.length;
      if (next > this.at) this.put(text.slice(this.at, next));
      this.at = next;
      if (next < text.length && !this.special()) this.put(text[this.at++] ?? "");
    }
    return this.out;
  }

  /** Takes what begins here, if anything does. */
  private special(): boolean {
    const { text, at } = this;
    switch (text[at]) {
      case "\n":
        // Marks do not reach into another paragraph.
        if (text[at + 1] === "\n") this.open.clear();
        return false;
      case "\\":
        return this.escaped();
      case "`":
        return this.code();
      case "[":
        return this.links && this.markedLink();
      case "@":
        return this.links && this.named(MENTION, "mention");
      case "#":
        return this.links && this.named(ROOM, "room");
      case "*":
      case "_":
      case "~":
        return this.mark();
      default:
        return this.links && this.bareLink();
    }
  }

  private put(text: string): void {
    const last = this.out.at(-1);
    // An open mark's text is kept apart: it may turn into an element yet.
    if (last?.kind === "text" && ![...this.open.values()].includes(this.out.length - 1)) last.text += text;
    else this.out.push({ kind: "text", text });
  }

  /** A backslash goes only where it keeps a mark from being one: in paths and in `¯\_(ツ)_/¯` it stays. */
  private escaped(): boolean {
    const { text, at } = this;
    const char = text[at + 1] ?? "";
    if (!"*_~`[".includes(char) || char === "") return false;
    const run = lengthOfRun(text, at + 1);
    const flanks = this.flanks(at + 1, at + 1 + run, this.before(at));
    const marks = marksOf(char, run);
    const closes =
      flanks.closes && (this.escapedMarks.has(char) || marks.some((mark) => this.open.has(mark)));
    const means = char === "`" || char === "[" || (marks.length > 0 && (flanks.opens || closes));
    if (!means) return false;
    if (flanks.opens) this.escapedMarks.add(char);
    const length = char === "[" ? 1 : run;
    this.put(text.slice(at + 1, at + 1 + length));
    this.at += 1 + length;
    return true;
  }

  private code(): boolean {
    const length = lengthOfRun(this.text, this.at);
    const from = this.at + length;
    const to = this.ticks.next(from, length);
    const inner = to === undefined ? "" : this.text.slice(from, to);
    if (to === undefined || inner.trim() === "" || inner.includes("\n")) {
      this.put(this.text.slice(this.at, from));
      this.at = from;
      return true;
    }
    // Spaces beside a backtick only keep it apart from the fence.
    const apart = inner.startsWith(" `") || inner.endsWith("` ");
    this.out.push({ kind: "code", text: apart ? inner.trim() : inner });
    this.at = to + length;
    return true;
  }

  private markedLink(): boolean {
    this.brackets ??= matchBrackets(this.text);
    const close = this.brackets.get(this.at);
    if (close === undefined) return false;
    const found = markedLink(this.text, this.at, close);
    if (!found) return false;
    const children = new Scan(found.label, false).run();
    this.out.push({ kind: "link", href: found.href, host: found.host, children });
    this.at = found.end;
    return true;
  }

  private bareLink(): boolean {
    HTTP.lastIndex = this.at;
    if (!HTTP.test(this.text) || /[\p{L}\p{N}]/u.test(this.before(this.at))) return false;
    // Marks that are open here end behind the address, not in it.
    const found = bareLink(this.text, this.at, this.open.has("_"));
    if (!found) return false;
    this.out.push({
      kind: "link",
      href: found.href,
      host: found.host,
      children: [{ kind: "text", text: found.label }],
    });
    this.at = found.end;
    return true;
  }

  private named(pattern: RegExp, kind: "mention" | "room"): boolean {
    if (/[\p{L}\p{N}_.@#/-]/u.test(this.before(this.at))) return false;
    pattern.lastIndex = this.at;
    const [text, name = ""] = pattern.exec(this.text) ?? [];
    if (text === undefined) return false;
    this.out.push({ kind, text, name });
    this.at += text.length;
    return true;
  }

  /** One, two or three of a mark in a row: they close what is open, or open. More are only drawn. */
  private mark(): boolean {
    const { text, at } = this;
    const char = text[at] ?? "";
    const length = lengthOfRun(text, at);
    const marks = marksOf(char, length);
    const flanks = this.flanks(at, at + length, this.before(at));
    this.at += length;
    if (marks.length === 0 || !(flanks.opens || flanks.closes)) {
      this.put(text.slice(at, at + length));
      return true;
    }
    // The one opened last is closed first.
    const inOrder = flanks.closes
      ? [...marks].sort((a, b) => (this.open.get(b) ?? -1) - (this.open.get(a) ?? -1))
      : marks;
    for (const mark of inOrder) {
      if (flanks.closes && this.close(mark)) continue;
      this.put(mark);
      if (flanks.opens) this.openMark(mark);
    }
    return true;
  }

  private openMark(mark: Mark): void {
    const last = this.out.at(-1);
    if (last?.kind === "text" && last.text !== mark) {
      last.text = last.text.slice(0, -mark.length);
      this.out.push({ kind: "text", text: mark });
    }
    this.open.set(mark, this.out.length - 1);
  }

  private close(mark: Mark): boolean {
    const from = this.open.get(mark);
    if (from === undefined || from === this.out.length - 1) return false;
    const children = this.out.splice(from + 1);
    this.out[from] = { kind: MARKS[mark], children };
    // What was opened within and not closed stays text.
    for (const [other, place] of this.open) if (place >= from) this.open.delete(other);
    return true;
  }

  /** Whether a run of marks stands at the beginning or the end of something, and not within a word. */
  private flanks(from: number, to: number, before: string): { opens: boolean; closes: boolean } {
    const after = String.fromCodePoint(this.text.codePointAt(to) ?? 32);
    const underscore = this.text[from] === "_";
    return {
      // `_(` is the arm of somebody who shrugs.
      opens: !/\s/.test(after) && !isWord(before) && !(underscore && after === "("),
      closes: !/\s/.test(before) && !isWord(after),
    };
  }

  /** The character before that place; a space at the beginning. */
  private before(at: number): string {
    if (at === 0) return " ";
    const unit = this.text.charCodeAt(at - 1);
    const low = unit >= 0xdc00 && unit <= 0xdfff;
    return String.fromCodePoint(this.text.codePointAt(low && at > 1 ? at - 2 : at - 1) ?? 32);
  }
}

/** The runs of backticks of a text by their length, so that the end of a code is found without looking for it. */
class Ticks {
  private places: Map<number, number[]> | undefined;

  constructor(private readonly text: string) {}

  /** Where the next run of that length begins, from `from` on. Asked for with a rising `from`. */
  next(from: number, length: number): number | undefined {
    this.places ??= this.gather();
    const places = this.places.get(length) ?? [];
    // They were gathered from the end on, so that those that are passed can be let go.
    while ((places.at(-1) ?? Infinity) < from) places.pop();
    return places.at(-1);
  }

  private gather(): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (const run of this.text.matchAll(/`+/g)) {
      const length = run[0].length;
      const places = found.get(length);
      if (places) places.push(run.index);
      else found.set(length, [run.index]);
    }
    for (const places of found.values()) places.reverse();
    return found;
  }
}

/** For each `[` its `]`, unless a line ends between them. */
function matchBrackets(text: string): Map<number, number> {
  const match = new Map<number, number>();
  let open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "[") open.push(at);
    else if (char === "\n") open = [];
    else if (char === "]") {
      const from = open.pop();
      if (from !== undefined) match.set(from, at);
    }
  }
  return match;
}

function lengthOfRun(text: string, at: number): number {
  let end = at;
  while (end < text.length && text[end] === text[at]) end++;
  return end - at;
}

function marksOf(char: string, length: number): Mark[] {
  if (char === "~") return length === 2 ? ["~~"] : [];
  if (char === "_") return length === 1 ? ["_"] : [];
  if (char !== "*") return [];
  return length === 1 ? ["*"] : length === 2 ? ["**"] : length === 3 ? ["**", "*"] : [];
}

function isWord(char: string): boolean {
  return WORD.test(char) && !UNSPACED.test(char);
}
