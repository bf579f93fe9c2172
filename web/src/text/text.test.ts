import { describe, expect, test } from "vitest";
import { ulid } from "../edge/nonce";
import { cleanLine, cleanText } from "./clean";
import { clockTime, dayName, fullTime, isoTime } from "./time";

describe("text from others", () => {
  test("loses what controls or reorders, and keeps what is written", () => {
    expect(cleanText("a\u0007b\u001b[31mc\u009bd\u202ee\u2066f\u200bg\ufeff")).toBe("ab[31mcdefg");
    expect(cleanText("one\r\ntwo\tthree")).toBe("one\ntwo    three");
    expect(cleanLine("one\ntwo")).toBe("one two");
    expect(cleanText("👨‍👩‍👧 नमस्ते مرحبا")).toBe("👨‍👩‍👧 नमस्ते مرحبا");
    expect(cleanText("क्‍ष می‌خواهم 🏳️‍🌈 1️⃣ 🏴󠁧󠁢󠁷󠁬󠁳󠁿")).toBe("क्‍ष می‌خواهم 🏳️‍🌈 1️⃣ 🏴󠁧󠁢󠁷󠁬󠁳󠁿");
  });

  test("a name cannot look like another by what is not seen", () => {
    for (const hidden of [
      "\u200b",
      "\u200c",
      "\u200d",
      "\u00ad",
      "\u034f",
      "\u3164",
      "\u2060",
      "\ufeff",
      "\u202e",
    ])
      expect(cleanLine(`${hidden}al${hidden}ice${hidden}`), hidden.charCodeAt(0).toString(16)).toBe("alice");
    expect(cleanLine(`a${"\u0301".repeat(100)}b`)).toBe(`a${"\u0301".repeat(6)}b`);
  });
});

describe("times", () => {
  test("the wildest clock does not break the page", () => {
    for (const ts of [0, -1e30, 1e30, Number.NaN, Number.MAX_SAFE_INTEGER]) {
      expect(isoTime(ts)).toMatch(/Z$/);
      expect(fullTime(ts)).not.toBe("");
      expect(dayName(ts, 1_763_800_000_000)).not.toBe("");
    }
  });

  test("each minute reads as itself, whichever was asked for before", () => {
    const minute = 60_000_000;
    const asked = [0, 0, minute - 1, minute, 0, 61 * minute].map(clockTime);
    expect(asked[1]).toBe(asked[0]);
    expect(asked[2]).toBe(asked[0]);
    expect(asked[3]).not.toBe(asked[0]);
    expect(asked[4]).toBe(asked[0]);
    expect(new Set(asked).size).toBe(3);
  });

  test("today and yesterday are called so", () => {
    const now = new Date(2026, 2, 10, 12).getTime();
    expect(dayName(now * 1000, now)).toBe("Today");
    expect(dayName((now - 86_400_000) * 1000, now)).toBe("Yesterday");
  });
});

test("nonces rise with time and are 26 characters of Crockford's alphabet", () => {
  const low = new Uint8Array(16);
  const high = new Uint8Array(16).fill(255);
  expect(ulid(1_763_800_000_000, high)).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(ulid(1_763_800_000_000, high) < ulid(1_763_800_000_001, low)).toBe(true);
});
