// Several tabs of one browser: one connection and one state among them, whichever of them is closed.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { join_as, launch, messages, show_all, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";
import { article, complaints, connection, enter, figure, is, shows } from "./support/watch.mjs";

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

afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const bridge = (listen) =>
  start("chat-web", ["--listen", listen, "--node", node.ready.nodes[0].listen, "--secret-file", space.secret], space);

/** One more tab of the same browser, in the same room. */
async function another(page, search = "") {
  const tab = await page.context().newPage();
  await tab.goto(new URL(search, url).href + new URL(page.url()).hash);
  await is(tab, search === "" ? "online" : "polling");
  return tab;
}

/** As `join_as` and `enter`, and the address says which room it is. */
async function in_room(name, room, options) {
  const page = await join_as(browser, `${url}#${room}`, name, options);
  await page.getByRole("heading", { name: room }).waitFor();
  return page;
}

const sockets = () => figure(web, "chat_web_websockets");
const one_socket = (of = 1) => until(`${of} WebSockets are open`, async () => (await sockets()) === of);
const composer = (page) => page.getByRole("textbox", { name: "Message" });
const room_link = (page, name) => page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name });
const theme = (page) => page.locator("html").getAttribute("data-theme");
const leads = (page) =>
  page.evaluate(async () => {
    const { held } = await navigator.locks.query();
    const mine = held.find((lock) => lock.name.includes(".tab.") && lock.clientId === globalThis.client_id);
    return mine !== undefined && held.some((lock) => lock.name.endsWith(".leader") && lock.clientId === mine.clientId);
  });

/** Each page finds out which of the browser's clients it is: by a lock of its own. */
async function know_clients(pages) {
  for (const [n, page] of pages.entries()) {
    await page.evaluate(async (name) => {
      await navigator.locks.request(name, async () => {
        const { held } = await navigator.locks.query();
        globalThis.client_id = held.find((lock) => lock.name === name).clientId;
      });
    }, `test.${n}`);
  }
}

async function leader_of(pages) {
  await know_clients(pages);
  const all = await Promise.all(pages.map(leads));
  assert.equal(all.filter(Boolean).length, 1, `${all}`);
  return pages[all.indexOf(true)];
}

test("two tabs have one connection, and see the same", async () => {
  const first = await in_room("ann", "two");
  const second = await another(first);
  const seen = [...complaints(first), ...complaints(second)];
  const bob = await in_room("bob", "two");
  await one_socket(2);
  await say(second, "from the second");
  await say(first, "from the first");
  await say(bob, "from bob");
  for (const page of [first, second, bob]) await shows(page, ["from the second", "from the first", "from bob"]);
  // A user with two tabs is one user, who neither comes nor goes with one of them.
  assert.equal(await bob.getByRole("list", { name: "People" }).getByText("ann").count(), 1);
  await second.close();
  await say(first, "after closing");
  await shows(bob, ["from the second", "from the first", "from bob", "after closing"]);
  await one_socket(2);
  assert.equal(await bob.getByText(/ann (joined|left)/).count(), 0);
  assert.deepEqual(seen, []);
});

test("five tabs have one connection; the one that has it is closed while all write, again and again", async () => {
  const pages = [await in_room("cid", "five")];
  for (let i = 0; i < 4; i++) pages.push(await another(pages[0]));
  const reader = await in_room("dot", "five");
  for (const page of [...pages, reader]) await show_all(page);
  await one_socket(2);
  const said = [];
  for (let round = 0; pages.length > 1; round++) {
    const leader = await leader_of(pages);
    // Something is on its way from each tab when the leader goes.
    const texts = await Promise.all(
      pages.map(async (page, i) => {
        const text = `round ${round} tab ${i}`;
        // In one step: between two, the draft of another tab may come, which nobody types at the same moment.
        await composer(page).evaluate((area, text) => {
          area.value = text;
          area.dispatchEvent(new InputEvent("input", { bubbles: true }));
          area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
        }, text);
        return text;
      }),
    );
    said.push(...texts);
    pages.splice(pages.indexOf(leader), 1);
    await leader.close();
    const late = `round ${round} late`;
    await say(pages[0], late);
    said.push(late);
    await until("all of it is there", async () => {
      const shown = (await messages(reader)).map((m) => m.text.split("\n")).flat();
      assert.deepEqual(said.filter((text) => !shown.includes(text)), []);
      return true;
    });
  }
  for (const page of [...pages, reader]) {
    await until("each is there once, and sent", async () => {
      const shown = (await messages(page)).filter((m) => m.text.includes("round "));
      assert.deepEqual(
        said.map((text) => shown.filter((m) => m.text.split("\n").includes(text)).map((m) => m.status)),
        said.map(() => ["sent"]),
      );
      assert.equal(new Set(shown.map((m) => m.id)).size, said.length);
      return true;
    });
  }
  await one_socket(2);
});

test("theme, sound, drafts, rooms and what was read follow at once", async () => {
  const first = await in_room("eli", "follow", { colorScheme: "light" });
  const second = await another(first);
  await first.getByRole("button", { name: "Theme" }).click();
  await until("the theme follows", async () => (await theme(second)) === "dark");
  await second.getByRole("button", { name: "Sound" }).click();
  await first.getByRole("button", { name: "Sound", pressed: true }).waitFor();

  await composer(first).pressSequentially("a thought, half");
  await until("the draft follows", async () => (await composer(second).inputValue()) === "a thought, half");
  // Whoever stands in the text stays there.
  await composer(second).evaluate((area) => (area.focus(), area.setSelectionRange(2, 2)));
  await composer(first).pressSequentially(" and more");
  await until("the draft follows", async () => (await composer(second).inputValue()) === "a thought, half and more");
  assert.deepEqual(await composer(second).evaluate((area) => [area.selectionStart, area.selectionEnd]), [2, 2]);
  await composer(second).press("Enter");
  await until("the draft is gone", async () => (await composer(first).inputValue()) === "");
  await shows(first, ["a thought, half and more"]);

  await enter(second, "follow-2");
  await room_link(first, "follow-2").waitFor();
  assert.equal(await first.getByRole("heading", { name: "follow", exact: true }).count(), 1);
  const fae = await in_room("fae", "follow-2");
  await room_link(second, "follow").first().click();
  await second.getByRole("heading", { name: "follow", exact: true }).waitFor();
  await say(fae, "not read yet");
  for (const page of [first, second]) await room_link(page, /follow-2.*1/).waitFor();
  await room_link(second, "follow-2").click();
  await until("it is read in the other tab", async () => /^follow /.test(await first.title()));
  await second.getByRole("button", { name: "Set a topic" }).click();
  await second.getByRole("textbox", { name: "Topic" }).fill("the same for all");
  await second.keyboard.press("Enter");
  await room_link(first, "follow-2").click();
  await first.getByText("the same for all").waitFor();
  await say(second, "/leave");
  await until("it is left in the other tab", async () => (await room_link(first, "follow-2").count()) === 0);
});

test("a sound is made once, by the tab that was last used", async () => {
  const first = await in_room("gil", "sounds");
  const second = await another(first);
  const third = await another(first);
  const tabs = [first, second, third];
  await first.getByRole("button", { name: "Sound" }).click();
  for (const page of tabs) await page.getByRole("button", { name: "Sound", pressed: true }).waitFor();
  await second.getByRole("heading", { name: "sounds" }).click();
  await enter(second, "elsewhere");
  for (const page of tabs) {
    await page.evaluate(() => {
      globalThis.tones = 0;
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (...args) {
        globalThis.tones++;
        return start.apply(this, args);
      };
    });
  }
  const hue = await in_room("hue", "sounds");
  await say(hue, "listen");
  for (const page of [first, third]) await article(page, "listen").waitFor();
  const tones = () => Promise.all(tabs.map((page) => page.evaluate(() => globalThis.tones)));
  await until("it is heard", async () => (await tones())[1] === 2);
  assert.deepEqual(await tones(), [0, 2, 0]);
});

test("what a tab could not say before it was closed is shown by the others, and said by them", async () => {
  const first = await in_room("ian", "left-over");
  const second = await another(first);
  const third = await another(first);
  await web.kill();
  for (const page of [first, second, third]) await is(page, "offline");
  await say(first, "written in the first");
  await say(second, "written in the second");
  for (const page of [first, second, third]) {
    for (const text of ["written in the first", "written in the second"]) {
      await article(page, text).and(page.locator('[data-status="pending"]')).waitFor();
    }
  }
  await first.close();
  await second.close();
  web = await bridge(web.ready.web);
  await is(third, "online");
  await shows(third, ["written in the first", "written in the second"]);
  await one_socket();
  assert.equal(await third.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("deed")).length), 0);
});

test("the bridge restarted under three tabs: all are back, over one connection", async () => {
  const first = await in_room("jan", "restart");
  const pages = [first, await another(first), await another(first)];
  await web.stop();
  for (const page of pages) await until("it is noticed", async () => (await connection(page).getAttribute("data-state")) !== "online");
  web = await bridge(web.ready.web);
  for (const page of pages) await is(page, "online");
  for (const [n, page] of pages.entries()) {
    await say(page, `back ${n}`);
    await article(page, `back ${n}`).and(page.locator('[data-status="sent"]')).waitFor();
  }
  for (const page of pages) await shows(page, ["back 0", "back 1", "back 2"]);
  await one_socket();
});

test("a tab that leads and stands still is replaced, and follows when it goes on", async () => {
  const first = await in_room("kay", "frozen");
  const second = await another(first);
  const leader = await leader_of([first, second]);
  const other = leader === first ? second : first;
  const session = await leader.context().newCDPSession(leader);
  // The page's script stops where it is.
  await session.send("Debugger.enable");
  await session.send("Debugger.pause");
  void leader.evaluate(() => 0).catch(() => undefined);
  await say(other, "while it stood still");
  await shows(other, ["while it stood still"], 25_000);
  await session.send("Debugger.disable");
  await shows(leader, ["while it stood still"]);
  await say(leader, "and on it goes");
  for (const page of [first, second]) await shows(page, ["while it stood still", "and on it goes"]);
  assert.equal(await leader_of([first, second]), other);
  await one_socket();
});

test("coming in and signing out in one tab is so in all", async () => {
  const context = await browser.newContext();
  const [first, second] = [await context.newPage(), await context.newPage()];
  for (const page of [first, second]) await page.goto(url);
  await second.getByRole("textbox", { name: "Your name" }).fill("lea");
  await second.getByRole("button", { name: "Join" }).click();
  for (const page of [first, second]) {
    await is(page, "online");
    await page.getByRole("list", { name: "People" }).locator("li", { hasText: "(you)" }).getByText("lea").waitFor();
  }
  await one_socket();
  await second.getByRole("button", { name: "Sign out", exact: true }).click();
  await second.getByRole("button", { name: "Sign out?" }).click();
  for (const page of [first, second]) await page.getByRole("textbox", { name: "Your name" }).waitFor();
  await one_socket(0);
  // Somebody else comes in, and the tabs are theirs.
  await first.getByRole("textbox", { name: "Your name" }).fill("max");
  await first.getByRole("button", { name: "Join" }).click();
  await second.getByRole("list", { name: "People" }).locator("li", { hasText: "(you)" }).getByText("max").waitFor();
  await one_socket();
});

test("two tabs that choose names in one moment end up as one user", async () => {
  const context = await browser.newContext();
  const tabs = [await context.newPage(), await context.newPage()];
  for (const page of tabs) await page.goto(url);
  await Promise.all(tabs.map((page, n) => page.getByRole("textbox", { name: "Your name" }).fill(`twin-${n}`)));
  await Promise.all(tabs.map((page) => page.evaluate(() => document.querySelector("button[type=submit]").click())));
  for (const page of tabs) await is(page, "online");
  const you = (page) => page.getByRole("list", { name: "People" }).locator("li", { hasText: "(you)" }).innerText();
  await until("both are the same", async () => (await you(tabs[0])) === (await you(tabs[1])));
  await one_socket();
  await say(tabs[0], "one and the same");
  for (const page of tabs) await article(page, "one and the same").and(page.locator('[data-status="sent"]')).waitFor();
});

test("a tab that is told to poll has its own way, and shares the rest", async () => {
  const first = await in_room("nat", "mixed", { colorScheme: "light" });
  const second = await another(first, "?transport=poll");
  await say(second, "polled");
  await say(first, "not polled");
  for (const page of [first, second]) await shows(page, ["polled", "not polled"]);
  await second.getByRole("button", { name: "Theme" }).click();
  await until("the theme follows", async () => (await theme(first)) === "dark");
});
