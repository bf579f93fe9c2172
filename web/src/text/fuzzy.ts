/** Finding names by a few of their letters. */

/**
 * How well `query` fits `name`: 0 if not at all, more for better. The letters have to come in order; at the beginning,
 * at the beginning of a word, and one right after the other they count for more, and a shorter name fits better.
 */
export function fit(query: string, name: string): number {
  const wanted = fold(query);
  const given = fold(name);
  if (wanted === "") return 1;
  if (given === wanted) return 1000;
  const at = given.indexOf(wanted);
  if (at === 0) return 900 - given.length;
  if (at > 0) return (isStart(given, at) ? 700 : 500) - given.length;
  let score = 200 - given.length;
  let from = 0;
  let gaps = 0;
  for (const char of wanted) {
    const next = given.indexOf(char, from);
    if (next < 0) return 0;
    if (next > from && from > 0) gaps++;
    if (isStart(given, next)) score += 20;
    from = next + 1;
  }
  return Math.max(1, score - gaps * 15);
}

/** Those that fit, the best first; among equals the order stays. */
export function best<T>(query: string, all: T[], nameOf: (one: T) => string): T[] {
  return all
    .map((one) => ({ one, score: fit(query, nameOf(one)) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ one }) => one);
}

/** Without case and accents. */
function fold(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function isStart(text: string, at: number): boolean {
  return at === 0 || /[\s_.-]/.test(text[at - 1] ?? "");
}
