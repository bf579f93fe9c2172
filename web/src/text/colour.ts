/** The colour of a name: always the same for the same user, whatever the name is. */
import { cleanLine } from "./clean";

/** As many as `styles.css` has classes `author-…`. */
const COLOURS = 10;

export function colourClass(uid: string): string {
  let hash = 2166136261;
  for (let i = 0; i < uid.length; i++) hash = Math.imul(hash ^ uid.charCodeAt(i), 16777619);
  return `author-${(hash >>> 0) % COLOURS}`;
}

/** What stands in the round picture of a user: the first letter or digit that is seen. */
export function initial(name: string): string {
  const first = cleanLine(name).match(/[\p{L}\p{N}]/u)?.[0] ?? "?";
  return first.toLocaleUpperCase();
}
