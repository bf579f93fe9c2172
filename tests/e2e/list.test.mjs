// The list of messages: as quick with 100,000 as with ten, and never moving under the reader.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_in, launch } from "./support/browser.mjs";
import { until } from "./support/programs.mjs";
import { scripted } from "./support/scripted.mjs";

const MESSAGES = 100_000;
/** Rows in the page, at most, for a view of 800 pixels. */
const ROWS_MAX = 220;

/** Of every length, as people write: from a word to ten lines. */
const text = (n) =>
  `number ${n}${" and some more words of it".repeat((n * 7919) % 31 === 0 ? 40 : (n * 31) % 9)}`;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

/** A page in the lobby of a scripted server. `fed`: it makes up its history itself. */
async function open(t, script, { fed = false } = {}) {
  const server = await scripted(script);
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  if (fed) await context.addInitScript(server.feed);
  const page = await join_in(context, server.url, "mia");
  t.after(async () => {
    await page.context().close();
    server.close();
  });
  const newest = `m${server.room.count - 1}`;
  if (server.room.count > 0) await page.locator(`article[data-message-id="${newest}"]`).waitFor();
  // What the tests look at, in the page.
  await page.evaluate(() => {
    const view = document.querySelector("[role=log]");
    const frame = () => new Promise(requestAnimationFrame);
    // What the eye sees: after all that a page may still put right in a frame, who watches sizes last of all.
    const painted = () =>
      new Promise((resolve) => {
        const last = new ResizeObserver(() => resolve(last.disconnect()));
        requestAnimationFrame(() => last.observe(view));
      });
    const articles = () => [...view.querySelectorAll("article")];
    const first_in_view = () => {
      const top = view.getBoundingClientRect().top;
      return articles().find((one) => one.getBoundingClientRect().top >= top);
    };
    const place = (id) => view.querySelector(`article[data-message-id="${id}"]`)?.getBoundingClientRect().top;
    window.list = { view, frame, painted, articles, first_in_view, place };
  });
  return { server, page };
}

/** The numbers of the messages in the page. */
const numbers = (page) =>
  page.evaluate(() => list.articles().map((one) => Number(one.dataset.messageId.slice(1))));

/** Scrolls back until there is nothing more, and says how it went. */
const scroll_back = (page, px) =>
  page.evaluate(async (px) => {
    const { view, frame, articles, first_in_view, place } = list;
    const seen = { moved: 0, rows: 0, frames: [], lowest: Infinity };
    const deadline = performance.now() + 100_000;
    for (let idle = 0; idle < 40;) {
      const before = performance.now();
      const from = view.scrollTop;
      view.scrollTop -= px;
      await frame();
      const watched = first_in_view();
      // Its lower edge: a name above the first that is loaded goes when older ones come.
      const top = watched?.getBoundingClientRect().bottom;
      await frame();
      if (watched?.isConnected)
        seen.moved = Math.max(seen.moved, Math.abs(watched.getBoundingClientRect().bottom - top));
      seen.rows = Math.max(seen.rows, articles().length);
      seen.frames.push((performance.now() - before) / 2);
      const number = Number(articles()[0]?.dataset.messageId.slice(1));
      idle = view.scrollTop === from && number >= seen.lowest ? idle + 1 : 0;
      seen.lowest = Math.min(seen.lowest, number);
      if (view.textContent.includes("This is where it begins") && view.scrollTop === 0) break;
    }
    seen.frames.sort((a, b) => a - b);
    return seen;
  }, px);

test("100,000 messages are loaded by scrolling back, at frame rate, and what is read does not move", async (t) => {
  const { page } = await open(t, { messages: MESSAGES, text }, { fed: true });
  const begin = performance.now();
  const { moved, rows, frames, lowest } = await scroll_back(page, 8000);
  const at = (share) => frames[Math.floor(frames.length * share)];
  console.log(
    `${MESSAGES} messages in ${((performance.now() - begin) / 1000).toFixed(1)} s, ${await page.evaluate(() => fed)} pages, ${rows} rows at most; ` +
      `frames: median ${at(0.5).toFixed(1)}, p99 ${at(0.99).toFixed(1)}, longest ${frames.at(-1).toFixed(1)} ms; moved ${moved.toFixed(2)} px`,
  );
  assert.equal(lowest, 0);
  assert.ok(rows <= ROWS_MAX, `${rows} rows`);
  assert.ok(moved <= 1, `moved ${moved} px`);
  assert.ok(at(0.99) < 50, `p99 of frames ${at(0.99)} ms`);
  const shown = await numbers(page);
  assert.deepEqual(
    shown,
    shown.map((_, i) => i),
  );
});

test("a reader further up stays where they are, whatever comes, changes or has another width; one at the end stays there", async (t) => {
  const { page, server } = await open(t, { messages: 2000, text });
  const end = () =>
    page.evaluate(() => list.view.scrollHeight - list.view.scrollTop - list.view.clientHeight);
  for (let i = 0; i < 30; i++) server.post();
  await page.locator(`article[data-message-id="m2029"]`).waitFor();
  assert.ok((await end()) <= 1, "at the end, and there still");

  await page.evaluate(() => (list.view.scrollTop -= 5000));
  await page.waitForTimeout(400);
  const watched = await page.evaluate(() => list.first_in_view().dataset.messageId);
  const number = Number(watched.slice(1));
  const place = () => page.evaluate((id) => list.place(id), watched);
  const top = await place();
  /** Does something, and holds that it has happened and that the watched message is where it was, all along. */
  const unmoved = async (what, act, there) => {
    const watching = page.evaluate(async ([id, top]) => {
      let most = 0;
      for (const end = performance.now() + 700; performance.now() < end; await list.painted())
        most = Math.max(most, Math.abs(list.place(id) - top));
      return most;
    }, [watched, await place()]);
    await act();
    const moved = await watching;
    await until(what, there);
    assert.ok(moved <= 0.5, `${what}: moved by ${moved} px`);
    assert.ok(Math.abs((await place()) - top) <= 1, `${what}: ${await place()} instead of ${top}`);
  };
  const above = `m${number - 3}`;
  const shown = (text) => async () => (await page.locator("article", { hasText: text }).count()) > 0;
  await unmoved(
    "messages below",
    () => {
      for (let i = 0; i < 40; i++) server.post();
    },
    async () => (await page.getByRole("button", { name: "40 new messages" }).count()) === 1,
  );
  const at = server.message(number - 2).ts + 7;
  const late = {
    ...server.message(0),
    id: "late1",
    nonce: "late1",
    uid: "late",
    from: "late",
    seq: 9000,
    late: true,
  };
  await unmoved(
    "a late message above",
    () =>
      server.say({
        type: "new_message",
        ...late,
        ts: at,
        text: "late ".repeat(300),
      }),
    shown("late late"),
  );
  const edit = {
    type: "message_update",
    room: "lobby",
    id: above,
    origin: "n1-aaaa2222",
    seq: 9001,
    ts: at + 9e9,
    edited: at + 9e9,
  };
  await unmoved(
    "a longer text above",
    () => server.say({ ...edit, text: "edited now ".repeat(200) }),
    shown("edited now"),
  );
  await unmoved(
    "people who come",
    () => {
      for (let i = 0; i < 5; i++)
        server.say({
          type: "user_join",
          room: "lobby",
          user: { name: `p${i}`, uid: `p${i}` },
          total: 2 + i,
        });
    },
    async () => (await page.getByRole("list", { name: "People" }).innerText()).includes("p4"),
  );
  const asked = server.room.asked;
  await unmoved(
    "older pages",
    () => page.evaluate(() => list.view.dispatchEvent(new Event("scroll"))),
    () => true,
  );
  await unmoved(
    "another width",
    () => page.setViewportSize({ width: 700, height: 800 }),
    () => true,
  );
  await unmoved(
    "the first width",
    () => page.setViewportSize({ width: 1200, height: 800 }),
    () => true,
  );
  assert.ok(server.room.asked >= asked);

  await page.getByRole("button", { name: "40 new messages" }).click();
  await page.locator(`article[data-message-id="m2069"]`).waitFor();
  assert.ok((await end()) <= 1, "jumped to the newest");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.messageId), "m2069");
});

test("the keyboard goes from message to message, and what has the focus stays in the page", async (t) => {
  const { page } = await open(t, { messages: 3000, text });
  const focused = () =>
    page.evaluate(() => Number(document.activeElement.dataset.messageId?.slice(1) ?? NaN));
  const visible = () =>
    page.evaluate(() => {
      const [one, view] = [document.activeElement.getBoundingClientRect(), list.view.getBoundingClientRect()];
      return one.bottom > view.top && one.top < view.bottom;
    });
  await page.locator(`article[data-message-id="m2999"]`).focus();
  for (let n = 2998; n > 2900; n--) {
    await page.keyboard.press("ArrowUp");
    assert.equal(await focused(), n);
  }
  assert.ok(await visible());
  await page.keyboard.press("PageUp");
  const paged = await focused();
  assert.ok(paged < 2895 && paged > 2850, `${paged}`);
  await page.keyboard.press("PageDown");
  assert.ok((await focused()) > paged && (await visible()));
  await page.keyboard.press("End");
  assert.equal(await focused(), 2999);
  await page.keyboard.press("Home");
  const first = await focused();
  assert.ok(first < 2900 && (await visible()), `the first that is loaded: ${first}`);
  await page.keyboard.press("ArrowDown");
  const here = first + 1;
  assert.equal(await focused(), here);
  // Far away from it, it is there still, alone.
  for (const step of [9000, 9000, -30_000, 15_000]) {
    await page.evaluate((step) => (list.view.scrollTop += step), step);
    await page.waitForTimeout(250);
    assert.equal(await focused(), here, `scrolled by ${step}`);
  }
  assert.ok((await numbers(page)).length <= ROWS_MAX);
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(), here + 1);
  assert.ok(await visible());
  const stops = await page.locator("[role=log] article[tabindex='0']").count();
  assert.equal(stops, 1, "one message is in the order of the Tab key");
});

test("a quoted message that is far up is shown, and days and the line above what is new stand between messages", async (t) => {
  const over = (n) => (n === 1999 ? { reply_to: "m1700" } : {});
  const { page, server } = await open(t, { messages: 2000, text, over });
  await scroll_up_to(page, 1650);
  await page.getByRole("button", { name: "Jump to newest" }).click();
  const quote = page.locator(`article[data-message-id="m1999"] button`, {
    hasText: "number 1700",
  });
  await quote.click();
  await page.locator(`article[data-message-id="m1700"]`).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.messageId), "m1700");
  // 2,000 messages, three a minute, are eleven hours; a day may begin among them or not, each only once.
  const days = await page.getByRole("separator").allInnerTexts();
  assert.equal(new Set(days).size, days.length);
  server.post({ uid: "other", from: "other" });
  await page.getByRole("button", { name: "1 new message" }).click();
  await until("the line is there", async () =>
    (await page.getByRole("separator").allInnerTexts()).includes("New"),
  );
});

test("in a room that is here as a whole each article says which of how many it is; elsewhere none does", async (t) => {
  const of = (page) =>
    page
      .locator("article")
      .evaluateAll((all) => all.map((one) => [one.ariaPosInSet, one.ariaSetSize].join("/")));
  const few = await open(t, { messages: 3, text });
  await until("they are numbered", async () => (await of(few.page)).join() === "1/3,2/3,3/3");
  few.server.post();
  await until("one more", async () => (await of(few.page)).join() === "1/4,2/4,3/4,4/4");
  const many = await open(t, { messages: 500, text });
  assert.ok((await of(many.page)).every((one) => one === "/"));
});

/** Scrolls up until the message of that number is in the page. */
async function scroll_up_to(page, number) {
  await until(
    `message ${number} is loaded`,
    async () => {
      await page.evaluate(() => (list.view.scrollTop -= 1500));
      await page.waitForTimeout(60);
      return (await numbers(page)).some((one) => one <= number);
    },
    30_000,
  );
}
