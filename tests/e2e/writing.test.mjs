// The composer in a real browser: completion, lines, edits, what is kept from being sent by mistake.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, messages, say } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { article, composer, enter, has_focus, stage } from "./support/story.mjs";

let on;

before(async () => (on = await stage()));
after(async () => on?.close());

test("names, rooms and emoji are completed by the keyboard, and the composer keeps its name and its focus", async () => {
  const story = await on.writer("albert", "complete");
  const other = await on.writer("alba", "complete");
  const page = await join_as(on.browser, `${on.url}#complete`, "uma");
  await page.getByRole("list", { name: "People" }).getByText("alba").waitFor();
  const box = composer(page);
  await box.pressSequentially("hey @al");
  const list = page.getByRole("listbox", { name: "People" });
  await list.waitFor();
  assert.deepEqual(await list.getByRole("option").allInnerTexts().then((all) => all.map((one) => one.split("\n")[1] ?? one)), ["alba", "albert"]);
  const active = () => box.getAttribute("aria-activedescendant");
  assert.equal(await page.locator(`#${await active()}`).getAttribute("aria-selected"), "true");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "hey @albert ");
  assert.equal((await messages(page)).length, 0, "Enter chose and did not send");
  assert.ok(await has_focus(box));
  await until("the list is gone", async () => (await page.getByRole("listbox").count()) === 0);
  assert.equal(await active(), null);

  await box.fill("");
  await box.pressSequentially("see #comp");
  await page.getByRole("listbox", { name: "Rooms" }).waitFor().catch(() => {});
  await page.keyboard.press("Escape");
  await box.fill("");
  await box.pressSequentially("done :tad");
  await page.getByRole("listbox", { name: "Emoji" }).getByText(":tada:").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await box.inputValue(), "done 🎉 ");
  await box.pressSequentially(":rocket:");
  await until("a closed name becomes its emoji", async () => (await box.inputValue()) === "done 🎉 🚀 ");

  // Escape leaves it as it is typed; then Enter sends.
  await box.fill("");
  await box.pressSequentially("@al");
  await list.waitFor();
  await page.keyboard.press("Escape");
  await until("the list is gone", async () => (await page.getByRole("listbox").count()) === 0);
  assert.equal(await box.inputValue(), "@al");
  await page.keyboard.press("Enter");
  await article(page, "@al").waitFor();
  story.close();
  other.close();
  await page.context().close();
});

test("Enter sends, Shift+Enter makes a line, a paste of many lines is one message, an input method's Enter sends nothing", async () => {
  const page = await join_as(on.browser, `${on.url}#lines`, "vic", { permissions: ["clipboard-read", "clipboard-write"] });
  const box = composer(page);
  await box.pressSequentially("one");
  await page.keyboard.press("Shift+Enter");
  await box.pressSequentially("two");
  await page.keyboard.press("Enter");
  await article(page, "one").waitFor();
  assert.match((await messages(page))[0].text, /one\ntwo/);

  await page.evaluate(() => navigator.clipboard.writeText("a\nb\r\nc"));
  await box.focus();
  await page.keyboard.press("Control+v");
  assert.equal(await box.inputValue(), "a\nb\nc");
  await page.keyboard.press("Enter");
  await until("it is one message", async () => (await messages(page)).length === 2);

  await box.fill("にほん");
  await box.evaluate((area) => {
    const press = (init) => area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init }));
    press({ isComposing: true });
    press({ keyCode: 229 });
  });
  assert.equal(await box.inputValue(), "にほん");
  assert.equal((await messages(page)).length, 2);
  await page.context().close();
});

test("Enter of a keyboard on the glass makes a new line and the button sends; what is touched is large enough", async () => {
  const page = await join_as(on.browser, `${on.url}#touch`, "wil", {
    viewport: { width: 320, height: 640 },
    hasTouch: true,
    isMobile: true,
  });
  const box = composer(page);
  await box.tap();
  await box.pressSequentially("one");
  // As a keyboard on the glass does it: a key without a place.
  const cdp = await page.context().newCDPSession(page);
  for (const type of ["keyDown", "keyUp"])
    await cdp.send("Input.dispatchKeyEvent", { type, key: "Enter", text: type === "keyDown" ? "\r" : undefined, windowsVirtualKeyCode: 13 });
  await box.pressSequentially("two");
  assert.equal(await box.inputValue(), "one\ntwo");
  assert.equal(await box.getAttribute("enterkeyhint"), "enter");
  await page.getByRole("button", { name: "Send" }).tap();
  const row = article(page, "one").and(page.locator('[data-status="sent"]'));
  await row.waitFor();
  await row.tap();
  const bar = row.getByRole("toolbar");
  await bar.waitFor();
  for (const button of [...(await bar.getByRole("button").all()), page.getByRole("button", { name: "Send" })]) {
    if (!(await button.isVisible())) continue;
    const { width, height } = await button.boundingBox();
    assert.ok(width >= 44 && height >= 44, `${await button.getAttribute("aria-label")}: ${width} by ${height}`);
  }
  const within = async () => {
    const { x, width } = await bar.boundingBox();
    assert.ok(x >= 0 && x + width <= 320, `the bar is from ${x} to ${x + width}`);
  };
  await within();
  await bar.getByRole("button", { name: "Delete", exact: true }).tap();
  await bar.getByRole("button", { name: "Keep" }).waitFor();
  await within();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  // One that is plugged in has its place.
  await box.fill("by a real keyboard");
  await box.press("Enter");
  await article(page, "by a real keyboard").waitFor();
  await page.context().close();
});

test("Up edits the last message, Escape leaves it, and what was being written comes back", async () => {
  const page = await join_as(on.browser, `${on.url}#edits`, "xia");
  await say(page, "a tyop");
  await article(page, "a tyop").and(page.locator('[data-status="sent"]')).waitFor();
  const box = composer(page);
  await page.keyboard.press("ArrowUp");
  assert.equal(await box.inputValue(), "a tyop");
  await page.getByText("Editing your message").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await box.inputValue(), "");
  await box.fill("half a thought");
  await article(page, "a tyop").hover();
  await page.getByRole("button", { name: "Edit" }).click();
  await box.fill("a typo");
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "half a thought");
  const edited = article(page, "a typo").locator("time", { hasText: "(edited)" });
  await edited.waitFor();
  assert.match(await edited.getAttribute("title"), /^Edited .*\d/);
  await page.context().close();
});

test("an emoji from the picker goes where the caret is", async () => {
  const page = await join_as(on.browser, `${on.url}#emoji`, "yan");
  const box = composer(page);
  await box.fill("ab");
  await box.evaluate((area) => area.setSelectionRange(1, 1));
  await page.getByRole("button", { name: "Emoji", exact: true }).click();
  await page.getByRole("textbox", { name: "Search emoji" }).fill("tada");
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "a🎉b");
  await until("the composer has the focus", () => has_focus(box));
  await page.context().close();
});

test("the count warns near the limit, and what is too long is not sent", async () => {
  const page = await join_as(on.browser, `${on.url}#limit`, "zoe");
  const box = composer(page);
  const count = page.getByTestId("char-count");
  await box.fill("x".repeat(3500));
  assert.equal(await count.innerText(), "3500/4000");
  const plain = await count.evaluate((one) => getComputedStyle(one).color);
  await box.fill("x".repeat(3700));
  assert.notEqual(await count.evaluate((one) => getComputedStyle(one).color), plain);
  await box.fill(`${"x".repeat(3999)}👍`);
  assert.equal(await count.innerText(), "4000/4000");
  assert.ok(await page.getByRole("button", { name: "Send" }).isEnabled());
  await box.fill("x".repeat(4001));
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  await page.keyboard.press("Enter");
  assert.equal((await messages(page)).length, 0);
  assert.equal(await box.getAttribute("aria-invalid"), "true");
  await page.context().close();
});

test("a message that is refused says so, and is sent again by its button", async () => {
  const page = await join_as(on.browser, `${on.url}#refused`, "abe");
  // The page believes in a higher limit than the node's, so that the node refuses.
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const frame = JSON.parse(message);
      if (frame.type === "send" && !globalThis.let_through)
        socket.send(JSON.stringify({ type: "error", re: frame.re, code: "forbidden", message: "not now" }));
      else server.send(message);
    });
    server.onMessage((message) => socket.send(message));
  });
  globalThis.let_through = false;
  await page.reload();
  await say(page, "please take this");
  const row = article(page, "please take this");
  await row.and(page.locator('[data-status="failed"]')).waitFor();
  await row.getByText("Not sent. not now").waitFor();
  globalThis.let_through = true;
  await row.getByRole("button", { name: "Retry" }).click();
  await row.and(page.locator('[data-status="sent"]')).waitFor();
  await page.context().close();
});
