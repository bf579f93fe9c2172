// The browser UI in a real browser, against a real node and a real bridge.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { join_as, launch, messages, show_all, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";

let space, browser, node, web, url;

before(async () => {
  space = workspace();
  browser = await launch();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  web = await bridge("127.0.0.1:0");
  url = `http://${web.ready.web}/`;
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

const bridge = (listen) =>
  start(
    "chat-web",
    ["--listen", listen, "--node", node.ready.nodes[0].listen, "--secret-file", space.secret],
    space,
  );

const connection = (page) => page.getByRole("status", { name: "Connection" });
const article = (page, text) => page.locator("article", { hasText: text });
const room_link = (page, name) => page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name });
const is = (page, state) => connection(page).and(page.locator(`[data-state="${state}"]`)).waitFor();

/** Goes to a room that only this test uses. */
async function enter(page, room) {
  await page.getByRole("textbox", { name: "Room to join or create" }).fill(room);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: room }).waitFor();
}

/** A client of the line protocol, in `room`: `ask` waits for the answer of the same `re`. */
async function writer(name, room) {
  const [host, port] = node.ready.nodes[0].listen.split(":");
  const socket = connect(Number(port), host);
  const waiting = new Map();
  let text = "";
  let re = 0;
  socket.on("data", (chunk) => {
    const lines = (text + chunk).split("\n");
    text = lines.pop();
    for (const frame of lines.map((line) => JSON.parse(line))) {
      waiting.get(frame.re)?.(frame);
      waiting.delete(frame.re);
    }
  });
  const ask = (frame) =>
    new Promise((resolve) => {
      waiting.set(++re, resolve);
      socket.write(`${JSON.stringify({ ...frame, re })}\n`);
    });
  await ask({ type: "user_join", name });
  await ask({ type: "join", room });
  const post = (from, to) =>
    Promise.all(
      Array.from({ length: to - from + 1 }, (_, i) =>
        ask({ type: "send", room, text: `message ${from + i}. ${"and so on ".repeat((from + i) % 23)}` }),
      ),
    );
  return { ask, post, close: () => socket.destroy() };
}

/** The numbers of the messages on the page. */
const numbers = (page) =>
  page
    .locator("article")
    .evaluateAll((all) => all.map((one) => Number(one.textContent.match(/message (\d+)\./)?.[1])));

function assert_unbroken(shown, first, last) {
  const length = last - first + 1;
  assert.deepEqual(shown, Array.from({ length }, (_, i) => first + i));
}

test("a name that is taken is refused with a free one to take, and is remembered", async () => {
  const alice = await join_as(browser, url, "alice");
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.getByRole("textbox", { name: "Your name" }).fill("ALICE");
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("alert").getByText(/./).waitFor();
  await page.getByRole("button", { name: /^Use / }).click();
  await is(page, "online");
  const name = await page.getByRole("list", { name: "People" }).locator("li", { hasText: "(you)" }).innerText();
  assert.match(name, /alice-?2/i);
  await page.reload();
  await is(page, "online");
  await page.getByRole("list", { name: "People" }).locator("li", { hasText: "(you)" }).getByText(/alice-?2/i).waitFor();
  await page.context().close();
  await alice.context().close();
});

test("what becomes of a message, who types and who is there reaches the other", async () => {
  const ann = await join_as(browser, url, "ann");
  const ben = await join_as(browser, url, "ben");
  await enter(ann, "deeds");
  await enter(ben, "deeds");
  await ann.getByRole("list", { name: "People" }).getByText("ben").waitFor();
  await ben.getByRole("textbox", { name: "Message" }).pressSequentially("first li");
  await ann.getByTestId("typing").getByText("ben is typing").waitFor();
  assert.equal(await ben.getByTestId("char-count").innerText(), "8/4000");
  await say(ben, "first line\nsecond line");
  await article(ann, "second line").waitFor();
  await article(ben, "second line").and(ben.locator('[data-status="sent"]')).waitFor();

  await article(ben, "second line").hover();
  await ben.getByRole("button", { name: "Edit" }).click();
  await ben.getByRole("textbox", { name: "Message" }).fill("better line");
  await ben.keyboard.press("Enter");
  await article(ann, "better line").getByText("(edited)").waitFor();
  await article(ann, "better line").hover();
  await ann.getByRole("button", { name: "React with heart" }).click();
  await article(ben, "better line").getByRole("button", { name: "❤️ 1" }).waitFor();
  await ann.getByRole("button", { name: "Reply" }).click();
  await say(ann, "well said");
  await article(ben, "well said").getByRole("button", { name: /ben better line/ }).waitFor();
  await article(ben, "better line").first().hover();
  await ben.getByRole("button", { name: "Delete", exact: true }).click();
  await ben.getByRole("button", { name: "Delete for good" }).click();
  await ann.getByText("This message was deleted.").waitFor();
  await ann.getByRole("button", { name: "Set a topic" }).click();
  await ann.getByRole("textbox", { name: "Topic" }).fill("all is well");
  await ann.keyboard.press("Enter");
  await ben.getByText("all is well").waitFor();

  const composer = ann.getByRole("textbox", { name: "Message" });
  await say(ann, "/secret ben");
  await ann.getByRole("alert").getByText("there is no command /secret").waitFor();
  assert.equal(await composer.inputValue(), "/secret ben");
  await say(ann, "//etc");
  await article(ben, "/etc").waitFor();
  assert.ok(!(await messages(ben)).some((message) => message.text.includes("secret")));
  await ann.context().close();
  await ben.context().close();
});

test("what can be done with a message is within reach of the keyboard", async () => {
  const page = await join_as(browser, url, "kim");
  await enter(page, "keys");
  for (const text of ["the first", "the second"]) await say(page, text);
  await article(page, "the second").and(page.locator('[data-status="sent"]')).waitFor();
  // Backwards from where one writes: to the newest message, and from there up with the arrow.
  await page.getByRole("textbox", { name: "Message" }).press("Shift+Tab");
  await until("the newest message has the focus", () => article(page, "the second").evaluate((a) => a === document.activeElement));
  assert.match(await article(page, "the second").getAttribute("aria-label"), /^kim, \d/);
  await page.keyboard.press("ArrowUp");
  await article(page, "the first").getByRole("toolbar", { name: "Actions for this message" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await article(page, "the first").getByRole("button", { name: "👍 1" }).waitFor();
  await page.context().close();
});

test("rooms and direct conversations count what was not read", async () => {
  const cat = await join_as(browser, url, "cat");
  const dan = await join_as(browser, url, "dan");
  await enter(cat, "counts");
  await enter(dan, "counts");
  await room_link(cat, "lobby").click();
  for (const n of [1, 2, 3]) await say(dan, `unread ${n}`);
  await room_link(cat, /counts.*3/).waitFor();
  assert.match(await cat.title(), /^\(3\)/);
  await room_link(cat, "counts").click();
  await article(cat, "unread 3").waitFor();
  assert.equal(await cat.getByRole("separator").getByText("New").count(), 1);
  await until("nothing is unread", async () => /^counts/.test(await cat.title()));
  await cat.getByRole("list", { name: "People" }).getByRole("button", { name: "dan" }).click();
  await say(cat, "between us");
  await room_link(dan, /cat.*1/).click();
  await article(dan, "between us").waitFor();
  await cat.context().close();
  await dan.context().close();
});

test("a long room opens at its end, and scrolling back shows each message once without moving what is read", async () => {
  const story = await writer("story", "long");
  await story.post(1, 1300);
  const page = await join_as(browser, url, "eve");
  await enter(page, "long");
  await until("the newest are there", async () => (await numbers(page)).at(-1) === 1300);
  const log = page.getByRole("log", { name: "Messages" });
  await until("the first message is there", async () => {
    // A message is watched for some frames after each step: it must stay where it is.
    const moved = await log.evaluate(async (view) => {
      view.scrollTop -= 700;
      const middle = view.getBoundingClientRect().top + view.clientHeight / 2;
      const watched = [...view.querySelectorAll("article")].find((a) => a.getBoundingClientRect().bottom > middle);
      const top = watched.getBoundingClientRect().top;
      let most = 0;
      for (let i = 0; i < 4; i++) {
        await new Promise(requestAnimationFrame);
        most = Math.max(most, Math.abs(watched.getBoundingClientRect().top - top));
      }
      return most;
    });
    assert.ok(moved < 2, `what is read moved by ${moved} pixels`);
    return (await numbers(page))[0] === 1;
  }, 60_000);
  const shown = await numbers(page);
  assert_unbroken(shown, 1, shown.at(-1));
  assert.ok(shown.length <= 650, `${shown.length} messages on the page`);
  await story.post(1301, 1301);
  await page.getByRole("button", { name: "1 new message" }).click();
  await until("the newest are there again", async () => (await numbers(page)).at(-1) === 1301);
  assert_unbroken(await numbers(page), (await numbers(page))[0], 1301);
  story.close();
  await page.context().close();
});

test("what is written without a connection is kept over a reload and sent once; what was missed is there once", async () => {
  const fay = await join_as(browser, url, "fay");
  await enter(fay, "outage");
  const story = await writer("teller", "outage");
  await story.post(1, 3);
  await article(fay, "message 3.").waitFor();
  await web.kill();
  await say(fay, "message 305.");
  assert.equal(await article(fay, "message 305.").getAttribute("data-status"), "pending");
  await is(fay, "offline");
  await story.post(4, 304);
  web = await bridge(web.ready.web);
  await is(fay, "online");
  await article(fay, "message 305.").and(fay.locator('[data-status="sent"]')).waitFor();
  await show_all(fay, 16_000);
  await until("what was missed is there", async () => (await numbers(fay)).length === 305);
  assert_unbroken(await numbers(fay), 1, 305);

  // The page itself can still be loaded, but neither way to the server is open.
  await fay.routeWebSocket(/\/ws$/, (socket) => socket.close());
  await fay.route("**/send", (route) => route.abort());
  await fay.reload();
  await fay.getByRole("textbox", { name: "Message" }).fill("message 306.");
  await fay.keyboard.press("Enter");
  await fay.reload();
  await article(fay, "message 306.").and(fay.locator('[data-status="pending"]')).waitFor();
  await fay.unrouteAll();
  await fay.reload();
  await article(fay, "message 306.").and(fay.locator('[data-status="sent"]')).waitFor();
  assert.equal((await messages(fay)).filter((m) => m.text.includes("message 306.")).length, 1);
  story.close();
  await fay.context().close();
});

test("without WebSocket the page polls by itself", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.routeWebSocket(/\/ws$/, (socket) => socket.close());
  await page.goto(url);
  await page.getByRole("textbox", { name: "Your name" }).fill("gus");
  await page.getByRole("button", { name: "Join" }).click();
  await is(page, "polling");
  await enter(page, "slow");
  const hal = await join_as(browser, `${url}#slow`, "hal");
  await say(page, "by polling");
  await article(hal, "by polling").waitFor();
  await say(hal, "to the poller");
  await article(page, "to the poller").waitFor();
  await article(page, "by polling").and(page.locator('[data-status="sent"]')).waitFor();
  await context.close();
  await hal.context().close();
});

test("text from others stays text, whatever is in it", async () => {
  const page = await join_as(browser, url, "ida");
  await show_all(page);
  await enter(page, "hostile");
  const seen = [];
  page.on("dialog", (dialog) => seen.push(dialog.message()));
  // The browser fetches the page's own icon whenever it likes.
  const own = [`${url.replace("http", "ws")}ws`, `${url}ws`, `${url}favicon.svg`, `${url}favicon-unread.svg`, `${url}manifest.webmanifest`];
  page.on("request", (request) => own.includes(request.url()) || seen.push(request.url()));
  page.on("console", (message) => message.type() === "error" && seen.push(message.text()));
  const story = await writer("mallory", "hostile");
  const texts = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "javascript:alert(1) data:text/html,x",
    'https://x.test/"onmouseover=alert(1)',
    "'\"><svg onload=alert(1)>",
    "\u202Eesrever\u202C \u2066x",
    "```\n<b>bold</b>\n```",
    "\u0301".repeat(400),
    "W".repeat(4000),
    `https://x.test/${"a".repeat(3000)}`,
  ];
  for (const text of texts) assert.equal((await story.ask({ type: "send", room: "hostile", text })).type, "sent");
  await story.ask({ type: "topic", room: "hostile", topic: "<img src=x onerror=alert(1)>" });
  await until("all is shown", async () => (await messages(page)).length === texts.length);
  const log = page.getByRole("log");
  assert.equal(await log.locator("img, script, svg[onload], b").count(), 0);
  assert.deepEqual(await log.evaluate((view) => [...view.querySelectorAll("a")].map((a) => [new URL(a.href).protocol, a.rel])), [
    ["https:", "noopener noreferrer"],
    ["https:", "noopener noreferrer"],
  ]);
  assert.ok(!(await log.innerText()).includes("\u202E"));
  assert.deepEqual(seen, []);
  story.close();
  await page.context().close();
});

test("the page fits a small phone, and its theme is kept", async () => {
  const page = await join_as(browser, `${url}#phone`, "jo", {
    viewport: { width: 320, height: 568 },
    colorScheme: "light",
  });
  await say(page, `a word without end: ${"x".repeat(300)}`);
  await article(page, "a word without end").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  await page.getByRole("button", { name: "Show rooms" }).click();
  await page.getByRole("button", { name: "Theme" }).click();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.getByRole("button", { name: "Sound" }).click();
  assert.equal(await page.getByRole("button", { name: "Sound" }).getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Escape");
  await page.reload();
  await is(page, "online");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.context().close();
});
