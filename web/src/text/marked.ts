/** A found text, cut so that the words that were looked for can be marked. */

export interface Cut {
  text: string;
  hit: boolean;
}

/** `from:`, `room:`, `before:`, `after:` say where to look, not for what. */
const WHERE = /^(?:from|room|in|before|after):/i;
const EXCERPT_CHARS_MAX = 280;
/** Before the first word that was found this much is kept. */
const LEAD_CHARS = 60;

/** The words of a query: phrases in quotes are one, and a star at the end goes. */
export function wordsOf(query: string): string[] {
  const words: string[] = [];
  for (const match of query.replace(/[“”„]/g, '"').matchAll(/"([^"]*)"|(\S+)/g)) {
    const word = match[1] ?? match[2] ?? "";
    if (match[2] !== undefined && WHERE.test(word)) continue;
    const plain = word.replace(/^[-"]+|["*]+$/g, "").trim();
    if (plain !== "") words.push(plain);
  }
  return words;
}

/** In these scripts words stand without spaces, and every part of a text is found. */
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u;

/** The text on one line, cut to an excerpt around what was found. */
export function marked(said: string, query: string): Cut[] {
  // Letters and their accents apart, so that a word is found without its accents.
  const text = said.normalize("NFD").replace(/\s+/g, " ");
  const words = wordsOf(query).map(patternOf);
  if (words.length === 0) return [{ text: shortened(text, 0), hit: false }];
  const pattern = new RegExp(words.join("|"), "giu");
  const first = text.search(pattern);
  const from = first > EXCERPT_CHARS_MAX - LEAD_CHARS ? first - LEAD_CHARS : 0;
  const excerpt = shortened(text, from);
  const cuts: Cut[] = [];
  let at = 0;
  for (const match of excerpt.matchAll(pattern)) {
    if (match.index > at) cuts.push({ text: excerpt.slice(at, match.index), hit: false });
    cuts.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < excerpt.length) cuts.push({ text: excerpt.slice(at), hit: false });
  return cuts;
}

function shortened(whole: string, from: number): string {
  const begin = from > 0 ? "…" : "";
  const end = whole.length > from + EXCERPT_CHARS_MAX ? "…" : "";
  return begin + whole.slice(from, from + EXCERPT_CHARS_MAX) + end;
}

/** A word at the beginning of words, whatever accents are on it. */
function patternOf(word: string): string {
  const bare = word.normalize("NFD").replace(/\p{M}/gu, "");
  const letters = [...bare].map((char) => (/\s/.test(char) ? "\\s+" : `${escaped(char)}\\p{M}*`)).join("");
  return UNSPACED.test(bare) ? letters : `(?<![\\p{L}\\p{N}\\p{M}])${letters}`;
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
