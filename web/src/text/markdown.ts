/**
 * A message's Markdown as a tree of plain data: what stands in lines here (paragraphs, code, quotes, lists), what stands
 * within them in `inline.ts`. Nothing of it is ever HTML; the views make elements of the tree.
 *
 * Invariants: each line is looked at once for each level of nesting, and the levels are bounded, so that no text takes
 * longer than its length; and what is not Markdown stays as it was typed, line feeds included.
 */
import { inline, type Inline } from "./inline";

export type Block =
  | { kind: "paragraph"; children: Inline[] }
  /** `language` is what was typed behind the fence, or nothing. */
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; children: Block[] }
  | { kind: "list"; ordered: boolean; items: ListItem[] };

export interface ListItem {
  /** What stands before it in an ordered list. */
  number: number;
  children: Block[];
}

/** Quotes and lists within each other; deeper ones stay text. */
const DEPTH_MAX = 4;

const FENCE = /^ {0,8}(`{3,})([^`]*)$/;
/** A quote needs its space: `>_<` and `>>> import x` are none. */
const QUOTE = /^ {0,3}>(?: |$)/;
const ITEM = /^( {0,3})(?:([-*]) +|(\d{1,9})\. +)(?=\S)(?![-* ]+$)/;
/** A single word, as languages are named. */
const LANGUAGE = /^\s*[\w+#.-]{0,24}\s*$/;
/** Nothing of the kind is in most texts. */
const MAY_HAVE_BLOCKS = /^ *(?:```|>|[-*] |\d+\. )/m;

export function markdown(text: string): Block[] {
  if (!MAY_HAVE_BLOCKS.test(text)) return [{ kind: "paragraph", children: inline(text) }];
  return blocks(text.split("\n"), 0);
}

function blocks(lines: string[], depth: number): Block[] {
  const found: Block[] = [];
  /** The lines of a paragraph to be. */
  let plain: string[] = [];
  /** Fences of that many backticks and more are closed by nothing that is still to come. */
  let unclosed = Infinity;
  /** Up to here no quote begins: there are only marks with nothing behind them. */
  let bare = 0;
  const flush = () => {
    const kept = withoutBlankEnds(plain, found.length > 0);
    if (kept.length > 0) found.push({ kind: "paragraph", children: inline(kept.join("\n")) });
    plain = [];
  };
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? "";
    const fence = FENCE.exec(line);
    if (fence && (fence[1]?.length ?? 0) < unclosed) {
      const code = codeFrom(lines, at, fence);
      if (code) {
        flush();
        found.push(code.block);
        at = code.end;
        continue;
      }
      unclosed = fence[1]?.length ?? 0;
    }
    const nested =
      depth < DEPTH_MAX && at >= bare
        ? (quoteFrom(lines, at, depth) ?? listFrom(lines, at, depth))
        : undefined;
    if (typeof nested === "number") bare = nested;
    else if (nested) {
      flush();
      found.push(nested.block);
      at = nested.end;
      continue;
    }
    plain.push(line);
    at++;
  }
  flush();
  return found;
}

/** Beside another block a blank line only set it off. */
function withoutBlankEnds(lines: string[], behindBlock: boolean): string[] {
  let from = 0;
  let to = lines.length;
  if (behindBlock) while (from < to && lines[from]?.trim() === "") from++;
  while (to > from && lines[to - 1]?.trim() === "") to--;
  return lines.slice(from, to);
}

interface Found {
  block: Block;
  /** The first line behind it. */
  end: number;
}

/** From a fence to the next that is as long, which may also stand at the end of the last line of the code. */
function codeFrom(lines: string[], at: number, fence: RegExpExecArray): Found | undefined {
  const [line, ticks = "", info = ""] = fence;
  const indent = line.indexOf("`");
  const isLanguage = LANGUAGE.test(info);
  const code: string[] = isLanguage ? [] : [info];
  for (let end = at + 1; end < lines.length; end++) {
    const next = lines[end] ?? "";
    const before = beforeTicks(next, ticks.length);
    if (before !== null) {
      if (before.trim() !== "") code.push(before);
      return {
        block: { kind: "code", language: isLanguage ? info.trim() : "", text: code.join("\n") },
        end: end + 1,
      };
    }
    code.push(withoutIndent(next, indent));
  }
  return undefined;
}

/** What stands before the backticks that a line ends with, if they are as many. */
function beforeTicks(line: string, least: number): string | null {
  const trimmed = line.trimEnd();
  let from = trimmed.length;
  while (trimmed[from - 1] === "`") from--;
  return trimmed.length - from >= least ? trimmed.slice(0, from) : null;
}

/** A quote; or, where there are only marks of one, the first line behind them. */
function quoteFrom(lines: string[], at: number, depth: number): Found | number | undefined {
  let end = at;
  const inner: string[] = [];
  for (; end < lines.length; end++) {
    const mark = QUOTE.exec(lines[end] ?? "");
    if (!mark) break;
    inner.push((lines[end] ?? "").slice(mark[0].length));
  }
  // A lone `>` quotes nothing.
  if (end === at) return undefined;
  if (inner.every((line) => line.trim() === "")) return end;
  return { block: { kind: "quote", children: blocks(inner, depth + 1) }, end };
}

function listFrom(lines: string[], at: number, depth: number): Found | undefined {
  const first = ITEM.exec(lines[at] ?? "");
  if (!first) return undefined;
  const ordered = first[3] !== undefined;
  const items: ListItem[] = [];
  let end = at;
  while (end < lines.length) {
    const mark = ITEM.exec(lines[end] ?? "");
    if (!mark || (mark[3] !== undefined) !== ordered) break;
    const inner = [(lines[end] ?? "").slice(mark[0].length)];
    for (end++; end < lines.length; end++) {
      const line = lines[end] ?? "";
      if (!/^ {2,}\S/.test(line)) break;
      // Items of one list may all be set in by a little.
      if ((mark[1] ?? "").length >= 2 && line.startsWith(mark[1] ?? "") && ITEM.test(line)) break;
      inner.push(withoutIndent(line, mark[0].length));
    }
    items.push({ number: Number(mark[3] ?? 0), children: blocks(inner, depth + 1) });
  }
  return { block: { kind: "list", ordered, items }, end };
}

/** Without up to `most` spaces at its beginning. */
function withoutIndent(line: string, most: number): string {
  let spaces = 0;
  while (spaces < most && line[spaces] === " ") spaces++;
  return line.slice(spaces);
}
