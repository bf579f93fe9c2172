/** Remote text, made fit to be shown: nothing in it may change how the text around it is read. */

/**
 * Control characters (but not the line feed), the overrides and isolates of text direction, and what is of no width or
 * looks like nothing, but for the joiners that emoji and some scripts need.
 */
const HIDDEN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u{e0001}/gu;

/** Joiners where they join nothing: so "al" and "ice" with one between them would look like "alice". */
const IDLE_JOINERS = /(^|[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}\p{P}\s])[\u200c\u200d]+/gu;

/** More marks on a letter than any script puts there, but for the variation of an emoji. */
const PILED_MARKS = /(\p{M}{6})\p{M}+/gu;

/** A text of several lines. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\t/g, "    ")
    .replace(HIDDEN, "")
    .replace(IDLE_JOINERS, "$1")
    .replace(PILED_MARKS, "$1");
}

/** What stands on one line: a name, a topic. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\n/g, " ");
}
