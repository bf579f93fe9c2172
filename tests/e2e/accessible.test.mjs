// The page for those who do not see it, do not use a mouse, or want nothing to move.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { join_as, launch, say } from "./support/browser.mjs";
import { root, start, until, workspace } from "./support/programs.mjs";

const { AxeBuilder } = createRequire(`${root}/web/package.json`)("@axe-core/playwright");

/** Everything of WCAG 2.2 up to AA that a program can find. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true };

let space, browser, node, web, url;

before(async () => {
  space = workspace();
  browser = await launch();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  const to = ["--listen", "127.0.0.1:0", "--node", node.ready.nodes[0].listen, "--secret-file", space.secret];
  web = await start("chat-web", to, space);
  url = `http://${web.ready.web}/`;
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

const article = (page, text) => page.locator("article", { hasText: text });

/** That nothing is against the rules, in light and in dark. */
async function assert_accessible(page, where) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((n) => `${n.html.slice(0, 200)} ${n.failureSummary}`).join("\n  ")}`);
    assert.deepEqual(told, [], `${where}, ${colorScheme}`);
  }
}

test("nothing is against the rules, on any part of the page, in light and dark", { timeout: 180_000 }, async () => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  const entry = await context.newPage();
  await entry.goto(url);
  await entry.getByRole("button", { name: "Join" }).waitFor();
  await assert_accessible(entry, "the name page");
  const ann = await join_as(browser, `${url}#rules`, "ann");
  const ben = await join_as(browser, `${url}#rules`, "ben", PHONE);
  await entry.getByRole("textbox", { name: "Your name" }).fill("ann");
  await entry.getByRole("button", { name: "Join" }).click();
  await entry.getByRole("alert").getByText(/./).waitFor();
  await assert_accessible(entry, "a name that is taken");
  await context.close();

  await say(ann, "hello @ben, see https://example.org and `code`\n```\na block\n```");
  await say(ben, "so I do");
  await article(ann, "so I do").hover();
  await ann.getByRole("button", { name: /^React with/ }).first().click();
  await ann.getByRole("button", { name: "Reply" }).click();
  await say(ann, "an answer");
  await article(ben, "an answer").waitFor();
  await ben.getByRole("textbox", { name: "Message" }).fill("half written");
  await ann.getByTestId("typing").getByText(/ben/).waitFor();
  await article(ann, "hello @ben").hover();
  await assert_accessible(ann, "the chat");
  await article(ann, "an answer").hover();
  await ann.getByRole("button", { name: "Delete", exact: true }).click();
  await assert_accessible(ann, "a question whether to delete");
  await ann.keyboard.press("Escape");
  for (const [what, keys] of Object.entries({ "the switcher": "Control+k", "the list of keys": "Control+/" })) {
    await ann.getByRole("textbox", { name: "Message" }).press(keys);
    await ann.getByRole("dialog").waitFor();
    await assert_accessible(ann, what);
    await ann.keyboard.press("Escape");
    await ann.getByRole("dialog").waitFor({ state: "detached" });
  }
  await article(ann, "an answer").hover();
  await ann.getByRole("button", { name: "More reactions" }).click();
  await ann.getByRole("dialog").waitFor();
  await assert_accessible(ann, "the emoji");
  await ann.keyboard.press("Escape");
  await ann.getByRole("textbox", { name: "Message" }).fill("");
  await ann.getByRole("textbox", { name: "Message" }).pressSequentially(":smi");
  await ann.getByRole("listbox").waitFor();
  await assert_accessible(ann, "a completion");
  await ann.keyboard.press("Escape");
  await ann.getByRole("textbox", { name: "Message" }).press("Control+Shift+F");
  const search = ann.getByRole("complementary", { name: "Search" });
  await assert_accessible(ann, "the help for searching");
  await search.getByRole("textbox").fill("answer");
  await search.getByRole("textbox").press("Enter");
  await search.getByText("1 found").waitFor();
  await assert_accessible(ann, "what was found");
  await search.getByRole("textbox").fill("before:never");
  await search.getByRole("textbox").press("Enter");
  await search.getByRole("alert").waitFor();
  await assert_accessible(ann, "a query that is not understood");
  await search.getByRole("button", { name: "Close search" }).click();
  await assert_accessible(ben, "the chat on a phone");
  for (const drawer of ["rooms", "people"]) {
    await ben.getByRole("button", { name: new RegExp(`^Show ${drawer}`) }).click();
    await assert_accessible(ben, `the drawer of ${drawer}`);
    await ben.keyboard.press("Escape");
    await until("the focus is back", () => ben.evaluate((label) => document.activeElement?.getAttribute("aria-label")?.startsWith(label), `Show ${drawer}`));
  }
  await ann.context().close();
  await ben.context().close();
});

test("new messages are read out, and what was said before is not", async () => {
  const eve = await join_as(browser, `${url}#spoken`, "eve");
  for (const n of [1, 2, 3]) await say(eve, `said before ${n}`);
  const fay = await join_as(browser, url, "fay");
  // All that any live region of the page says from here on.
  await fay.evaluate(() => {
    globalThis.spoken = [];
    const live = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("[aria-live], [role=log], [role=status], [role=alert]");
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes)
        for (const node of [target, ...addedNodes]) {
          const region = live(node);
          if (region && region.getAttribute("aria-live") !== "off") globalThis.spoken.push(node.textContent);
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await fay.getByRole("textbox", { name: "Room to join or create" }).fill("spoken");
  await fay.keyboard.press("Enter");
  await article(fay, "said before 3").waitFor();
  await say(eve, "said just now");
  await until("it is read out", () => fay.evaluate(() => globalThis.spoken.some((text) => text.includes("said just now"))));
  const spoken = await fay.evaluate(() => globalThis.spoken.join("\n"));
  assert.ok(!spoken.includes("said before"), spoken);
  await eve.context().close();
  await fay.context().close();
});

test("the focus is never lost, and nothing moves for who wants nothing to move", async () => {
  const kim = await join_as(browser, `${url}#focus`, "kim", { reducedMotion: "reduce" });
  const lou = await join_as(browser, `${url}#focus`, "lou");
  const focus = () => kim.evaluate(() => document.activeElement?.tagName ?? "none");
  const kept = async (what) => assert.notEqual(await until(`the focus is somewhere after ${what}`, async () => ((await focus()) === "BODY" ? null : focus())), "BODY");
  await say(kim, "to be deleted");
  await kept("sending");
  await article(kim, "to be deleted").and(kim.locator('[data-status="sent"]')).waitFor();
  await kim.getByRole("textbox", { name: "Message" }).press("Shift+Tab");
  await kim.getByRole("button", { name: "Delete", exact: true }).press("Enter");
  await kim.getByRole("button", { name: "Delete for good" }).press("Enter");
  await kim.getByText("This message was deleted.").waitFor();
  await kept("deleting");
  await kim.getByRole("textbox", { name: "Room to join or create" }).fill("elsewhere");
  await kim.keyboard.press("Enter");
  await kim.getByRole("heading", { name: "elsewhere" }).waitFor();
  await kept("opening a room");
  await kim.getByRole("button", { name: "Theme" }).press("Enter");
  await kept("changing the theme");
  await say(lou, "something new");
  const moving = await kim.evaluate(() =>
    document
      .getAnimations()
      .filter((a) => a.effect.getComputedTiming().activeDuration > 20)
      .map((a) => a.effect.target?.outerHTML.slice(0, 100)),
  );
  assert.deepEqual(moving, []);
  const slow = await kim.evaluate(() =>
    [...document.querySelectorAll("*")]
      .map((element) => [element, getComputedStyle(element)])
      .filter(([, style]) => [style.transitionDuration, style.animationDuration].some((times) => times.split(",").some((time) => parseFloat(time) > 0.02)))
      .map(([element]) => element.outerHTML.slice(0, 100)),
  );
  assert.deepEqual(slow, []);
  await kim.context().close();
  await lou.context().close();
});

test("notifications are asked for on a press, come for mentions while the page is elsewhere, and lead to the room", async () => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, permissions: ["notifications"] });
  const page = await context.newPage();
  // What is shown, and whether the user was asked, is kept.
  await page.addInitScript(() => {
    globalThis.shown = [];
    globalThis.asked = 0;
    globalThis.Notification = class extends Notification {
      static requestPermission() {
        globalThis.asked++;
        return super.requestPermission();
      }
      constructor(title, options) {
        super(title, options);
        globalThis.shown.push(this);
      }
    };
  });
  await page.goto(`${url}#ops`);
  await page.getByRole("textbox", { name: "Your name" }).fill("pia");
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("status", { name: "Connection" }).and(page.locator('[data-state="online"]')).waitFor();
  const button = page.getByRole("button", { name: "Notifications" });
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.equal(await page.evaluate(() => globalThis.asked), 0);
  await button.click();
  await until("it is on", async () => (await button.getAttribute("aria-pressed")) === "true");
  const icon = () => page.locator('link[rel="icon"]').getAttribute("href");
  assert.equal(await icon(), "/favicon.svg");

  const quinn = await join_as(browser, `${url}#ops`, "quinn");
  await say(quinn, "@pia in sight");
  await article(page, "in sight").waitFor();
  await page.getByRole("textbox", { name: "Room to join or create" }).fill("away");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "away" }).waitFor();
  await say(quinn, "nothing for anybody");
  await say(quinn, "@pia out of sight");
  const shown = () => page.evaluate(() => globalThis.shown.map(({ title, body, tag }) => ({ title, body, tag })));
  await until("it is shown", async () => (await shown()).length > 0);
  const id = await article(quinn, "out of sight").getAttribute("data-message-id");
  assert.deepEqual(await shown(), [{ title: "quinn in ops", body: "@pia out of sight", tag: id }]);
  assert.equal(await icon(), "/favicon-unread.svg");
  await page.evaluate(() => globalThis.shown[0].onclick());
  await page.getByRole("heading", { name: "ops" }).waitFor();
  await until("nothing is unread", async () => (await icon()) === "/favicon.svg");
  await page.reload();
  await page.getByRole("status", { name: "Connection" }).and(page.locator('[data-state="online"]')).waitFor();
  await context.close();
  await quinn.context().close();
});
