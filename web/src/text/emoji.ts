/** All emoji with their names. The table is `gemoji`'s, loaded when it is first needed. */
import { gemoji } from "gemoji";
import { fit } from "./fuzzy";

export interface Emoji {
  emoji: string;
  /** As they are typed between colons. */
  names: string[];
  description: string;
  tags: string[];
}

export interface Group {
  name: string;
  emoji: Emoji[];
}

/** The table's own headings, shorter. */
const HEADINGS: Record<string, string> = {
  "Smileys & Emotion": "Smileys",
  "People & Body": "People",
  "Animals & Nature": "Nature",
  "Food & Drink": "Food",
  "Travel & Places": "Places",
};

export const groups: Group[] = grouped();

const byName = new Map<string, string>(gemoji.flatMap((one) => one.names.map((name) => [name, one.emoji])));
const byEmoji = new Map<string, Emoji>(gemoji.map((one) => [one.emoji, one]));

/** The emoji of exactly that name. */
export function emojiNamed(name: string): string | undefined {
  return byName.get(name.toLowerCase());
}

/** What an emoji is called. */
export function nameOf(emoji: string): string {
  return byEmoji.get(emoji)?.description ?? emoji;
}

/** Those that fit, the best first: by their names, then by what they have to do with. */
export function findEmoji(query: string, most: number): Emoji[] {
  const wanted = query.trim().replace(/\s+/g, "_");
  return (gemoji as Emoji[])
    .map((one) => ({ one, score: scoreOf(wanted, one) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ one }) => one);
}

function scoreOf(wanted: string, one: Emoji): number {
  const named = Math.max(...one.names.map((name) => fit(wanted, name)));
  const tagged = Math.max(0, ...one.tags.map((tag) => (tag.startsWith(wanted) ? 400 : 0)));
  const described = one.description.replaceAll(" ", "_").includes(wanted) ? 300 : 0;
  // A few letters scattered over a name say little here: there are too many names.
  return Math.max(named >= 400 ? named : 0, tagged, described);
}

function grouped(): Group[] {
  const found: Group[] = [];
  for (const one of gemoji) {
    const name = HEADINGS[one.category] ?? one.category;
    const last = found.at(-1);
    if (last?.name === name) last.emoji.push(one);
    else found.push({ name, emoji: [one] });
  }
  return found;
}
