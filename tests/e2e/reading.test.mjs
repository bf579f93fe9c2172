// What messages look like and what can be done with them, in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, messages, say } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { article, composer, enter, has_focus, stage } from "./support/story.mjs";

let on;

before(async () => (on = await stage()));
after(async () => on?.close());

test("Markdown is shown as what it means, and is never HTML", async () => {
  const story = await on.writer("ulla", "marks");
  const page = await join_as(on.browser, `${on.url}#marks`, "vera");
  const requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  await story.send("**bold** *it* ~~gone~~ `co<b>de` snake_case 2*3*4 <b>no</b>");
  const line = article(page, "snake_case");
  await line.waitFor();
  assert.equal(await line.locator("strong").innerText(), "bold");
  assert.equal(await line.locator("em").innerText(), "it");
  assert.equal(await line.locator("s").innerText(), "gone");
  assert.equal(await line.locator("code").innerText(), "co<b>de");
  assert.match(await line.innerText(), /snake_case 2\*3\*4 <b>no<\/b>/);
  await story.send("> they said\n> so\n\nand:\n1. one\n2. two\n   - deep");
  const blocks = article(page, "they said");
  await blocks.waitFor();
  assert.equal(await blocks.locator("blockquote").innerText(), "they said\nso");
  assert.deepEqual(await blocks.locator("ol > li > ul > li").allInnerTexts(), ["deep"]);
  assert.ok(!requests.some((path) => path.includes("highlight")), "nothing to highlight yet");
  await story.send('```rust\nfn main() { println!("<i>"); } // hi\n```');
  const code = article(page, "println");
  await code.locator(".code-keyword", { hasText: "fn" }).waitFor();
  assert.equal(await code.locator("code").innerText(), 'fn main() { println!("<i>"); } // hi');
  assert.equal(await page.getByRole("log").locator("b, i").count(), 0);
  assert.ok(requests.some((path) => path.includes("highlight")));
  story.close();
  await page.context().close();
});

test("a link opens elsewhere, and says where it leads when its text does not", async () => {
  const story = await on.writer("lea", "links");
  const page = await join_as(on.browser, `${on.url}#links`, "lin");
  await story.send("[https://bank.test](https://evil.test/x) [bad](javascript:alert(1)) https://plain.test/a");
  await article(page, "plain.test").waitFor();
  const links = await page.getByRole("log").locator("a").evaluateAll((all) =>
    all.map((a) => [a.href, a.textContent + (a.nextElementSibling?.textContent ?? ""), a.target, a.rel]),
  );
  assert.deepEqual(links, [
    ["https://evil.test/x", "https://bank.test (evil.test)", "_blank", "noopener noreferrer"],
    ["https://plain.test/a", "https://plain.test/a", "_blank", "noopener noreferrer"],
  ]);
  story.close();
  await page.context().close();
});

test("who is spoken to sees it, and a room that is named can be gone to", async () => {
  const story = await on.writer("moe", "mentions");
  const other = await on.writer("mo2", "elsewhere");
  const page = await join_as(on.browser, `${on.url}#mentions`, "nia");
  await story.send("hey @nia, and @moe, look into #elsewhere, not #nowhere");
  const row = article(page, "look into");
  await row.waitFor();
  await until("the row stands out", () => row.evaluate((a) => a.classList.contains("to-me")));
  assert.equal(await row.getByRole("link", { name: "#nowhere" }).count(), 0);
  await row.getByRole("link", { name: "#elsewhere" }).click();
  await page.getByRole("heading", { name: "elsewhere", level: 1 }).waitFor();
  other.close();
  story.close();
  await page.context().close();
});

test("any emoji can be a reaction, by the keyboard alone, and who reacted is told", async () => {
  const story = await on.writer("olga", "reactions");
  await story.send("react to this");
  const page = await join_as(on.browser, `${on.url}#reactions`, "pam");
  const row = article(page, "react to this");
  await row.waitFor();
  await composer(page).press("Shift+Tab");
  await row.getByRole("button", { name: "More reactions" }).press("Enter");
  const search = page.getByRole("textbox", { name: "Search emoji" });
  await until("the search has the focus", () => has_focus(search));
  await page.keyboard.type("rocket");
  await page.getByRole("button", { name: "rocket", exact: true }).waitFor();
  await page.keyboard.press("Enter");
  const mine = row.getByRole("button", { name: "🚀 1: you" });
  await mine.waitFor();
  assert.equal(await mine.getAttribute("aria-pressed"), "true");
  assert.equal(await mine.getAttribute("title"), "you");
  await until("the focus is back in the row", () =>
    row.evaluate((a) => a.contains(document.activeElement)),
  );
  const { id } = (await messages(page))[0];
  await story.ask({ type: "react", room: "reactions", id, emoji: "🚀", on: true });
  await row.getByRole("button", { name: "🚀 2: you and olga" }).click();
  await row.getByRole("button", { name: "🚀 1: olga" }).waitFor();

  // The arrows go through the picker, Escape leaves it without a reaction.
  await row.getByRole("button", { name: "Add a reaction" }).click();
  await until("the search has the focus", () => has_focus(search));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  assert.ok(await page.evaluate(() => document.activeElement.matches("dialog button.emoji")));
  await page.keyboard.press("Escape");
  await until("the picker is gone", async () => (await page.locator("dialog").count()) === 0);
  assert.equal(await row.getByRole("button", { name: /^\S+ \d+: / }).count(), 1);
  story.close();
  await page.context().close();
});

test("what is answered is gone to, however far back it is", async () => {
  const story = await on.writer("quin", "answers");
  const page = await join_as(on.browser, `${on.url}#answers`, "rhea");
  await say(page, "the very first");
  await article(page, "the very first").and(page.locator('[data-status="sent"]')).waitFor();
  const { id } = (await messages(page))[0];
  for (let i = 0; i < 400; i++) await story.send(`filler ${i}`);
  await story.send("an answer to it", { reply_to: id });
  await page.reload();
  const answer = article(page, "an answer to it");
  await answer.getByRole("button", { name: /an earlier message/ }).click();
  const first = article(page, "the very first").first();
  await until("it has the focus", () => has_focus(first));
  assert.ok(await first.evaluate((row) => {
    const box = row.getBoundingClientRect();
    return box.top > 0 && box.bottom < innerHeight;
  }));
  await page.getByRole("button", { name: "Jump to newest" }).click();
  await answer.waitFor();
  story.close();
  await page.context().close();
});

test("a message is copied as it was written", async () => {
  const page = await join_as(on.browser, `${on.url}#copies`, "sue", { permissions: ["clipboard-read", "clipboard-write"] });
  await say(page, "a **bold** word");
  const row = article(page, "bold").and(page.locator('[data-status="sent"]'));
  await row.waitFor();
  const copy = async () => {
    await row.hover();
    await row.getByRole("button", { name: "Copy text" }).click();
    await page.getByText("Copied.").waitFor();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  assert.equal(await copy(), "a **bold** word");
  // Where there is no clipboard to be asked, as on a page from another machine.
  await page.evaluate(() => navigator.clipboard.writeText(""));
  await page.evaluate(() => {
    globalThis.clipboard_kept = navigator.clipboard;
    delete Object.getPrototypeOf(navigator).clipboard;
  });
  await page.getByRole("button", { name: "Close this notice" }).click();
  await row.hover();
  await row.getByRole("button", { name: "Copy text" }).click();
  await page.getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => globalThis.clipboard_kept.readText()), "a **bold** word");
  await page.context().close();
});

test("a deletion is asked for twice, and Escape keeps the message", async () => {
  const page = await join_as(on.browser, `${on.url}#deletions`, "tom");
  await say(page, "to be kept, then not");
  const row = article(page, "to be kept").and(page.locator('[data-status="sent"]'));
  await row.waitFor();
  await composer(page).press("Shift+Tab");
  await until("the bar is there", () => row.getByRole("toolbar").isVisible());
  await row.getByRole("button", { name: "Delete", exact: true }).press("Enter");
  const sure = row.getByRole("button", { name: "Delete for good" });
  await until("the second question has the focus", () => has_focus(sure));
  await page.keyboard.press("Escape");
  await until("the first is back", () => has_focus(row.getByRole("button", { name: "Delete", exact: true })));
  await page.keyboard.press("Enter");
  await until("the second question has the focus", () => has_focus(sure));
  await page.keyboard.press("Enter");
  const gone = article(page, "This message was deleted.");
  await gone.waitFor();
  assert.ok(await has_focus(gone), "the focus stays in the row");
  await page.context().close();
});
