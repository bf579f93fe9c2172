// The browser's page while its bridge's node is killed: the person at it notices nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, launch, messages, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";

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
