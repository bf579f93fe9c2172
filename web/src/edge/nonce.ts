/**
 * Nonces: ULIDs, made with `getRandomValues`, which there is also on a page that is served over plain http
 * (`crypto.randomUUID` is not).
 */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 48 bits of time, 80 bits of chance, in 26 characters. `random` has at least 16 bytes; of each, five bits count. */
export function ulid(nowMs: number, random: Uint8Array): string {
  let time = "";
  for (let rest = nowMs, i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let chance = "";
  for (let i = 0; i < 16; i++) chance += ALPHABET[(random[i] ?? 0) & 31];
  return time + chance;
}

export function newNonce(): string {
  return ulid(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
}

/** The name of a tab: short, as it stands in each frame that the tab says over another's link. */
export function newTabId(): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(random, (byte) => ALPHABET[byte & 31]).join("");
}
