// The browser's page while its bridge's node is killed, or falls silent: the person at it notices nothing, but
// for the time that it takes to see that nobody is there any more.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, launch, messages, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";
import { way } from "./support/way.mjs";

let space, browser;
const running = [];

before(async () => {
  space = workspace();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await Promise.all(running.map((program) => program.kill()));
  space?.close();
});

const keep = async (starting) => {
  const started = await starting;
  running.push(started);
  return started;
};

async function node(name, join = []) {
  const joins = join.flatMap((address) => ["--join", address]);
  const args = ["--name", name, "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", ...joins];
  const folders = ["--data", `${space.folder}/${name}`, "--secret-file", space.secret];
  const started = await keep(start("chat-node", [...args, ...folders], space));
  return { ...started, ...started.ready.nodes[0] };
}

const bridge = (nodes) =>
  keep(start("chat-web", ["--listen", "127.0.0.1:0", ...nodes.flatMap((n) => ["--node", n.listen]), "--secret-file", space.secret], space));

const texts = async (page) => (await messages(page)).map((m) => m.text);
const shows = (page, text) => until(`the page shows ${text}`, async () => (await texts(page)).some((t) => t.includes(text)));
const sent = (page, text) =>
  until(`${text} is sent`, async () => (await messages(page)).some((m) => m.text.includes(text) && m.status === "sent"));

async function each_once(page, expected) {
  const shown = await messages(page);
  assert.deepEqual(shown.map((m) => expected.findIndex((e) => m.text.includes(e))), expected.map((_, i) => i));
  assert.equal(new Set(shown.map((m) => m.id)).size, shown.length);
}

test("a node that is killed under an open page is not noticed there", async () => {
  const n1 = await node("a1");
  const n2 = await node("a2", [n1.peer]);
  const web = await bridge([n1, n2]);
  const page = await join_as(browser, `http://${web.ready.web}/`, "ann");
  const other = await join_as(browser, `http://${web.ready.web}/`, "ben");
  await say(page, "before the kill");
  await shows(other, "before the kill");

  // Every state that the page goes through from here on.
  await page.evaluate(() => {
    globalThis.states = [];
    const status = document.querySelector("[role=status][data-state]");
    new MutationObserver(() => globalThis.states.push(status.dataset.state)).observe(status, { attributes: true });
  });
  await n1.kill();
  await say(page, "into the outage");
  await shows(other, "into the outage");
  await say(other, "an answer");
  await shows(page, "an answer");
  await sent(page, "into the outage");
  const states = await page.evaluate(() => globalThis.states);
  assert.ok(!states.includes("offline") && !states.includes("connecting"), `${states}`);
  await each_once(page, ["before the kill", "into the outage", "an answer"]);
  await each_once(other, ["before the kill", "into the outage", "an answer"]);
});

/** For a page to show what is said on the other node, after the node it is on was killed, and after it fell silent. */
const AFTER_A_KILL_MS = 1000;
const AFTER_SILENCE_MS = 10_000;

/** Where the way to the bridge is lost, a browser that polls may first try other connections that it holds, dead too. */
const POLLING_ANOTHER_WAY_MS = 20_000;

/** A busy machine may be late once or twice; the programs may not be late always. */
const TRIES = 3;

/** Has the page note when it shows this text, so that asking it takes no time. */
const note = (page, text) =>
  page.evaluate((text) => {
    const log = document.querySelector("[role=log]");
    const look = () => log.innerText.includes(text) && (globalThis.shown_at ??= Date.now());
    new MutationObserver(look).observe(log, { childList: true, subtree: true });
  }, text);

const shown_at = (page) => until("it is noted", () => page.evaluate(() => globalThis.shown_at), 40_000);

async function shows_once(page, expected) {
  const shown = (await messages(page)).flatMap((m) => expected.filter((text) => m.text.includes(text)));
  assert.deepEqual(shown.sort(), [...expected].sort());
}

/** Loses the first of two nodes; gives the time until the page shows what is said on the second, in milliseconds. */
async function lose_a_node(name, search, lose) {
  const n1 = await node(`${name}1`);
  const n2 = await node(`${name}2`, [n1.peer]);
  const [web, other_web] = [await bridge([n1, n2]), await bridge([n2])];
  const page = await join_as(browser, `http://${web.ready.web}/${search}`, "ann");
  const other = await join_as(browser, `http://${other_web.ready.web}/`, "ben");
  await say(other, "before");
  await shows(page, "before");

  await note(page, "meanwhile");
  await other.getByRole("textbox", { name: "Message" }).fill("meanwhile");
  const lost_at = Date.now();
  lose(n1);
  await other.getByRole("button", { name: "Send" }).click();
  await say(page, "into the outage");
  await shows(page, "meanwhile");
  const took_ms = (await shown_at(page)) - lost_at;
  await sent(page, "into the outage");
  await shows(other, "into the outage");
  await say(other, "later");
  await shows(page, "later");
  for (const one of [page, other]) await shows_once(one, ["before", "meanwhile", "into the outage", "later"]);
  await Promise.all([page.context().close(), other.context().close(), n1.kill(), n2.kill(), web.kill(), other_web.kill()]);
  return took_ms;
}

/** The way from the page to the bridge is lost, and nobody is told; another one would get through. */
async function lose_the_way(name, search) {
  const n1 = await node(name);
  const web = await bridge([n1]);
  const to_web = await way(web.ready.web);
  const page = await join_as(browser, `http://${to_web.address}/${search}`, "ann");
  const other = await join_as(browser, `http://${web.ready.web}/`, "ben");
  await say(other, "before");
  await shows(page, "before");
  await note(page, "meanwhile");
  to_web.silence();
  const lost_at = Date.now();
  await say(other, "meanwhile");
  await say(page, "into the outage");
  const took_ms = (await shown_at(page)) - lost_at;
  // What is said into a connection that is dead is said again when no answer has come.
  await until("it is said", async () => (await texts(other)).some((t) => t.includes("into the outage")), 60_000);
  for (const one of [page, other]) await shows_once(one, ["before", "meanwhile", "into the outage"]);
  await Promise.all([page.context().close(), other.context().close(), n1.kill(), web.kill()]);
  to_web.close();
  return took_ms;
}

async function within(t, limit_ms, attempt) {
  const took = [];
  for (let n = 0; n < TRIES; n++) {
    took.push(await attempt(n));
    if (took.at(-1) <= limit_ms) return t.diagnostic(`${took} ms`);
  }
  assert.fail(`not within ${limit_ms} ms: ${took}`);
}

for (const [transport, search] of [["WebSocket", ""], ["polling", "?transport=poll"]]) {
  const name = transport[0].toLowerCase();

  test(`over ${transport}, a page whose node is killed goes on within a second`, (t) =>
    within(t, AFTER_A_KILL_MS, (n) => lose_a_node(`${name}k${n}`, search, (lost) => void lost.kill())));

  test(`over ${transport}, a page whose node falls silent goes on within ten seconds`, (t) =>
    within(t, AFTER_SILENCE_MS, (n) => lose_a_node(`${name}s${n}`, search, (lost) => lost.pause())));

  const limit_ms = search === "" ? AFTER_SILENCE_MS : POLLING_ANOTHER_WAY_MS;
  test(`over ${transport}, a page whose way to the bridge falls silent goes on within ${limit_ms / 1000} s`, (t) =>
    within(t, limit_ms, (n) => lose_the_way(`${name}w${n}`, search)));
}
