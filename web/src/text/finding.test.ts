import { describe, expect, test } from "vitest";
import { People } from "../machine/people";
import { initialState, roomOf } from "../machine/state";
import { completions } from "../view/completions";
import { places } from "../view/places";
import * as emoji from "./emoji";
import { best, fit } from "./fuzzy";
import { highlight } from "./highlight";
import { marked, wordsOf } from "./marked";
import { mentions } from "./mentions";
import { triggerAt } from "./trigger";

/** A page whose user is mia, in two rooms. */
function page() {
  const state = initialState();
  state.me = { name: "mia", uid: "m" };
  const lobby = roomOf(state, "lobby");
  lobby.users = People.of([
    { name: "mia", uid: "m" },
    { name: "albert", uid: "a" },
    { name: "bob", uid: "b", away: true },
  ]);
  const ops = roomOf(state, "ops");
  ops.topic = "who is on call";
  ops.users = People.of([{ name: "alba", uid: "x" }]);
  ops.unread = 3;
  roomOf(state, "@bob").joined = true;
  state.others = [{ name: "deploys", topic: "", total: 2 }];
  state.current = "lobby";
  return { state, lobby };
}

describe("finding by a few letters", () => {
  test("letters in order fit, the beginning best", () => {
    expect(best("dep", ["my-deploys", "deploys", "dumb-elephants", "ops"], String)).toEqual([
      "deploys",
      "my-deploys",
      "dumb-elephants",
    ]);
    expect(fit("xyz", "deploys")).toBe(0);
    expect(fit("jose", "José")).toBe(1000);
  });

  test("the switcher has what is unread first, then the rest, and proposes what is not there yet", () => {
    const { state } = page();
    expect(places(state, "").map((place) => place.room)).toEqual([
      "ops",
      "@bob",
      "@alba",
      "@albert",
      "deploys",
    ]);
    expect(places(state, "al").map((place) => place.room)).toEqual(["@alba", "@albert", "al"]);
    expect(places(state, "#dep").map((place) => place.room)).toEqual(["deploys", "dep"]);
    expect(places(state, "@o").map((place) => place.room)).toEqual(["@bob"]);
    expect(places(state, "two words")).toEqual([]);
  });
});

describe("completing", () => {
  test.each([
    ["@", "mention", ""],
    ["hey @al", "mention", "al"],
    ["(@al", "mention", "al"],
    ["see #op", "room", "op"],
    ["ok :thu", "emoji", "thu"],
  ])("%j", (text, kind, query) => expect(triggerAt(text, text.length)).toMatchObject({ kind, query }));

  test.each(["a@b", "12:30", "x :) ", ":p", "http://x", "@al done", "C#sharp"])(
    "%j completes nothing",
    (text) => expect(triggerAt(text, text.length)).toBeNull(),
  );

  test("looks at what stands before the caret", () => {
    expect(triggerAt("hey @al and more", 7)).toEqual({
      kind: "mention",
      query: "al",
      from: 4,
      closed: false,
    });
  });

  const names = (text: string) => {
    const { state, lobby } = page();
    const trigger = triggerAt(text, text.length);
    return trigger ? completions(state, lobby, trigger, emoji).map((option) => option.name) : [];
  };

  test("people of the room come before those of others, oneself not at all", () => {
    expect(names("@")).toEqual(["albert", "bob", "alba"]);
    expect(names("@alb")).toEqual(["alba", "albert"]);
    expect(names("@mi")).toEqual([]);
  });

  test("of what is typed whole nothing is offered, so that Enter sends", () => {
    expect(names("@bob")).toEqual([]);
    expect(names("#deploys")).toEqual([]);
  });

  test("rooms and emoji are found", () => {
    expect(names("#")).toEqual(["lobby", "ops", "deploys"]);
    expect(names(":thumbs")[0]).toBe(":thumbsup:");
    expect(names(":+1")[0]).toBe(":+1:");
    expect(names(":tada:")).toEqual([":tada:"]);
    expect(names(":nosuchthing:")).toEqual([]);
  });
});

test("emoji are found by name and by what they have to do with", () => {
  expect(emoji.findEmoji("heart", 5)[0]?.names).toContain("heart");
  expect(emoji.findEmoji("party", 20).map((one) => one.emoji)).toContain("🎉");
  expect(emoji.emojiNamed("Rocket")).toBe("🚀");
  expect(emoji.groups.length).toBeGreaterThan(7);
});

test("a name is spoken to only by its whole self", () => {
  for (const text of ["@mia", "hey @Mia, look", "(@mia)", "ask @mia."])
    expect(mentions(text, "mia"), text).toBe(true);
  for (const text of ["mia", "@miaow", "a@mia", "@mia-2", "@mia.b", ""])
    expect(mentions(text, "mia"), text).toBe(false);
  expect(mentions("@a.b", "a.b")).toBe(true);
  expect(mentions("@axb", "a.b")).toBe(false);
});

describe("marking what was found", () => {
  test("the words of a query are what is not said of where to look", () => {
    expect(wordsOf('disk "full up" from:alice room:ops dep* -not')).toEqual([
      "disk",
      "full up",
      "dep",
      "not",
    ]);
  });

  test("they are marked at the beginnings of words, whatever is in them", () => {
    const hits = (text: string, query: string) =>
      marked(text, query)
        .filter((cut) => cut.hit)
        .map((cut) => cut.text);
    expect(hits("The disk, DISKS and asterisk", "disk")).toEqual(["disk", "DISK"]);
    expect(hits("a (b) [c", "(b) [c")).toEqual(["(b)", "[c"]);
    expect(hits("Café, 負荷分散", "cafe 分散").map((hit) => hit.normalize("NFC"))).toEqual(["Café", "分散"]);
    expect(hits("anything", "from:x")).toEqual([]);
    for (const odd of ["(", "[a-", "\\", "*", '"', "a{2", "$^|"])
      expect(() => marked("a text", odd)).not.toThrow();
  });

  test("quotes of a keyboard's own are quotes, and lines are no longer than they are shown", () => {
    const found = marked("the disk is full, disk full", "“disk full”").filter((cut) => cut.hit);
    expect(found.map((cut) => cut.text)).toEqual(["disk full"]);
    const cuts = marked(`${"x     ".repeat(170)}needle ${"y ".repeat(400)}`, "needle");
    expect(cuts.some((cut) => cut.hit)).toBe(true);
  });

  test("a long text is cut around the first of them", () => {
    const cuts = marked(`${"x ".repeat(400)}needle ${"y ".repeat(400)}`, "needle");
    expect(cuts.some((cut) => cut.hit)).toBe(true);
    expect(cuts.map((cut) => cut.text).join("").length).toBeLessThan(300);
  });
});

describe("code", () => {
  test("becomes tokens, and all of it stays", () => {
    const code = 'fn main() {\n    let x = "<b>"; // why\n}';
    const tokens = highlight("rust", code);
    expect(tokens.map((token) => token.text).join("")).toBe(code);
    expect(tokens).toContainEqual({ kind: "keyword", text: "fn" });
    expect(tokens).toContainEqual({ kind: "string", text: '"<b>"' });
    expect(tokens).toContainEqual({ kind: "comment", text: "// why" });
  });

  test("of a language that is not known stays plain", () => {
    expect(highlight("klingon", "a = 1")).toEqual([{ kind: null, text: "a = 1" }]);
  });

  test("made to be hard is highlighted in time", () => {
    const languages =
      "bash c cpp css diff go ini java js json kotlin lua php python ruby rust sql swift ts html yaml".split(
        " ",
      );
    const units = [
      "(",
      "<",
      '"',
      "'",
      "/*",
      "a.",
      "a-",
      "{{",
      "$(",
      "0",
      "\\",
      "<a ",
      "=\n",
      "# ",
      "${",
      "a:",
      "@",
    ];
    for (const language of languages) {
      const began = performance.now();
      for (const unit of units) highlight(language, unit.repeat(4000 / unit.length));
      expect(performance.now() - began, language).toBeLessThan(3000);
    }
  });
});
