/** Whether a text speaks to somebody by name. */

export function mentions(text: string, name: string): boolean {
  if (name === "" || !text.includes("@")) return false;
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_.@#/-])@${escaped}(?![\\p{L}\\p{N}_]|[.-][\\p{L}\\p{N}_])`, "iu").test(
    text,
  );
}
