import { describe, expect, test } from "vitest";
import type { Inline } from "./inline";
import { markdown, type Block } from "./markdown";

/** The tree in few letters, so that a test reads as what it says. */
function short(text: string): string {
  return markdown(text).map(block).join(" ¶ ");
}

function block(one: Block): string {
  switch (one.kind) {
    case "paragraph":
      return one.children.map(piece).join("");
    case "code":
      return `code:${one.language}{${one.text}}`;
    case "quote":
      return `quote{${one.children.map(block).join(" ¶ ")}}`;
    case "list":
      return `list{${one.items.map((item) => `${one.ordered ? item.number : "-"} ${item.children.map(block).join(" ¶ ")}`).join(", ")}}`;
  }
}

function piece(one: Inline): string {
  switch (one.kind) {
    case "text":
      return one.text;
    case "code":
      return `code{${one.text}}`;
    case "link":
      return `link{${one.children.map(piece).join("")}→${one.href}${one.host === null ? "" : `!${one.host}`}}`;
    case "mention":
    case "room":
      return `${one.kind}{${one.name}}`;
    default:
      return `${one.kind}{${one.children.map(piece).join("")}}`;
  }
}

describe("marks", () => {
  test.each([
    ["**bold** and *italic* and _italic_", "strong{bold} and emphasis{italic} and emphasis{italic}"],
    ["~~gone~~, ~5 min, ~a~", "strike{gone}, ~5 min, ~a~"],
    ["***both***", "strong{emphasis{both}}"],
    ["**a *b* c**", "strong{a emphasis{b} c}"],
    ["*a **b** c*", "emphasis{a strong{b} c}"],
    ["*one*, *two*", "emphasis{one}, emphasis{two}"],
    ["*over\none line*", "emphasis{over\none line}"],
    ["(**bold**)", "(strong{bold})"],
    ["これは**太字**です", "これはstrong{太字}です"],
    ["**a** `*b*` **c**", "strong{a} code{*b*} strong{c}"],
    ["`` a`b `` and `c`", "code{ a`b } and code{c}"],
    ["`` `x` ``", "code{`x`}"],
    ["\\*not so\\* and \\`this\\`", "*not so* and `this`"],
  ])("%j", (text, tree) => expect(short(text)).toBe(tree));

  test.each([
    "snake_case_name, __init__.py and _private",
    "2*3*4 = 24, 2 * 3 * 4, 5 * x",
    "* * *",
    "a ** b ** c",
    "****",
    "**open and never closed",
    "*one\n\nanother paragraph*",
    "¯\\_(ツ)_/¯",
    "C:\\Users\\me\\*.txt",
    ">_< and >>> import this",
    "`one\ntwo`",
    "```\nnever closed",
    "[not a link] (x)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,y)",
    "-not a list, 1.5 neither",
    "# no heading",
    "two  spaces\n\n\nand blank lines",
    "<b>not bold</b> &amp;",
    "a@b.test #",
  ])("what is none stays as it was typed: %j", (text) => expect(short(text)).toBe(text));
});

describe("links", () => {
  test.each([
    [
      "see https://example.org/a?b=c#d, ok",
      "see link{https://example.org/a?b=c#d→https://example.org/a?b=c#d}, ok",
    ],
    ["(https://example.org/a_(b))", "(link{https://example.org/a_(b)→https://example.org/a_(b)})"],
    ["**https://x.test**", "strong{link{https://x.test→https://x.test/}}"],
    ["_https://x.test_", "emphasis{link{https://x.test→https://x.test/}}"],
    ["https://x.test/a_b_c", "link{https://x.test/a_b_c→https://x.test/a_b_c}"],
    ["[the **docs**](https://x.test/d)", "link{the strong{docs}→https://x.test/d!x.test}"],
    ["[x.test](https://x.test/d)", "link{x.test→https://x.test/d}"],
    ["[mail](mailto:a@b.test)", "link{mail→mailto:a@b.test!a@b.test}"],
    ["[[1]](https://x.test)", "link{[1]→https://x.test/!x.test}"],
    ["ftp://x file:///etc/passwd javascript:alert(1)", "ftp://x file:///etc/passwd javascript:alert(1)"],
  ])("%j", (text, tree) => expect(short(text)).toBe(tree));

  test.each([
    ["[https://bank.test](https://evil.test)", "evil.test"],
    ["[bank.test](https://evil.test)", "evil.test"],
    ["[bank.test evil.test](https://evil.test)", "evil.test"],
    ["https://bank.test@evil.test/", "evil.test"],
    ["https://b\u0430nk.test/", "xn--bnk-6cd.test"],
    ["[x](https://x.test:8443)", "x.test:8443"],
    ["[x.test](https://x.test:8443)", "x.test:8443"],
  ])("%s says where it leads", (text, host) => expect(short(text)).toContain(`!${host}}`));

  test.each(["https://x.test/a", "https://X.test", "https://x.test:443/", "http://127.0.0.1:8080/#ops"])(
    "%s says so itself",
    (text) => expect(short(text)).not.toContain("!"),
  );

  test("a link's text holds no other link and no mention", () => {
    expect(short("[@mia https://y.test](https://x.test)")).toBe(
      "link{@mia https://y.test→https://x.test/!x.test}",
    );
  });
});

test("mentions and rooms are told from what only looks like them", () => {
  expect(short("@mia see a@b.test, @bob. (@al-2) @@x")).toBe(
    "mention{mia} see a@b.test, mention{bob}. (mention{al-2}) @@x",
  );
  expect(short("#ops, x#y, ##z and #42")).toBe("room{ops}, x#y, ##z and room{42}");
});

describe("blocks", () => {
  test.each([
    ["before\n```sh\ndf -h # *x*\n```\nafter", "before ¶ code:sh{df -h # *x*} ¶ after"],
    ["```\n  two\n\n  lines\n```", "code:{  two\n\n  lines}"],
    ["```SELECT 1\nFROM x```", "code:{SELECT 1\nFROM x}"],
    ["```one line```", "code{one line}"],
    ["````\n```\n````", "code:{```}"],
    ["> quoted\n> *more*\n\nanswer", "quote{quoted\nemphasis{more}} ¶ answer"],
    ["> > a\n> b", "quote{quote{a} ¶ b}"],
    [
      "- one\n- two\n  more of two\n  - deep\n- three",
      "list{- one, - two\nmore of two ¶ list{- deep}, - three}",
    ],
    ["3. three\n7. seven", "list{3 three, 7 seven}"],
    ["1. a\n   - b\n   - c\n2. d", "list{1 a ¶ list{- b, - c}, 2 d}"],
    ["* a\n* b", "list{- a, - b}"],
    ["- a\n1. b", "list{- a} ¶ list{1 b}"],
    ["> - a\n> - b", "quote{list{- a, - b}}"],
    ["first\n\n- a\n\nlast", "first ¶ list{- a} ¶ last"],
  ])("%j", (text, tree) => expect(short(text)).toBe(tree));
});

test("a text made to be hard is taken apart at once, and not deeply", () => {
  const to = (unit: string) => unit.repeat(Math.ceil(4000 / unit.length)).slice(0, 4000);
  const hard = [
    ..."*_~`[](@#\\>-\n ".split("").map(to),
    ...["**", "***a", "*a", "*a ", "a*", "*a **b ", "_a ", "~~a", "~~~", "**a*", "*a*", "***a***"].map(to),
    ...[
      "[a](",
      "[](",
      "[[a]",
      "[a]",
      "](",
      "[a](https://x.test",
      "[a](https://x.test) ",
      "[[a](https://x",
    ].map(to),
    ...["`a", "``a`", "```\n", "````\n```", "`` ", "``` a", "```a\n"].map(to),
    ...["> ", ">", "> > a\n", "> - ", "- > ", "- ", "- - ", "- a\n", "1. ", "1. a\n  ", "  - a\n"].map(to),
    ...[
      "https://",
      "https://x.test/",
      "https://[",
      "[a](https://[",
      "http:",
      "@a",
      "@a.",
      "@a-",
      "#a",
      "\\*",
      "\\[",
      "a.b@",
    ].map(to),
    `https://x${")".repeat(3900)}`,
    `[${"(".repeat(1900)}](https://x.test${")".repeat(1900)}`,
    Array.from({ length: 80 }, (_, i) => `${"  ".repeat(i)}- a`)
      .join("\n")
      .slice(0, 4000),
    Array.from({ length: 80 }, (_, i) => "`".repeat(i + 1)).join(" "),
    `a${" ".repeat(3990)}b`,
    ">\n".repeat(2000),
    `x\n${">\n".repeat(1990)}> y`,
    "\\".repeat(4000),
    `\`\`\`\n${" ".repeat(3990)}b`,
  ];
  const began = performance.now();
  for (const text of hard) {
    const one = performance.now();
    const tree = markdown(text);
    expect(performance.now() - one, JSON.stringify(text.slice(0, 20))).toBeLessThan(150);
    expect(depthOf(tree)).toBeLessThan(30);
  }
  expect(performance.now() - began).toBeLessThan(2000);
});

function depthOf(tree: unknown): number {
  if (typeof tree !== "object" || tree === null) return 0;
  return 1 + Math.max(0, ...Object.values(tree).map(depthOf));
}

test("of no text is any letter lost", () => {
  // What is left of a tree when only letters are looked at.
  const letters = (text: string) => text.replace(/[^a-z]/g, "");
  const inText = (nodes: (Inline | Block)[]): string =>
    nodes
      .map((node) => {
        if (node.kind === "list") return node.items.map((item) => inText(item.children)).join("");
        if (node.kind === "code" && "language" in node) return node.language + node.text;
        if ("text" in node) return node.text;
        return inText(node.children);
      })
      .join("");
  const units = [
    "a",
    "b c",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "[",
    "]",
    "(",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "@",
    "#",
    "\\",
    "  ",
  ];
  let seed = 7;
  const dice = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 3000; round++) {
    let text = "";
    for (let i = 0; i < 24; i++) text += units[Math.floor(dice() * units.length)];
    expect(letters(inText(markdown(text))), JSON.stringify(text)).toBe(letters(text));
  }
});
