/** Remote text, made fit to be shown: nothing in it may change how the text around it is read. */

/**
 * Control characters (but not the line feed), the overrides and isolates of text direction, and what is of no width
 * but for the joiners that emoji and some scripts need.
 */
const HIDDEN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\u{e0001}/gu;

/** A text of several lines. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").replace(HIDDEN, "");
}

/** What stands on one line: a name, a topic. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\n/g, " ");
}
