// The way to the server: WebSocket, polling where that does not get through, and back. (What an interruption
// means is in interrupted.test.mjs, what a lost node means in node-lost.test.mjs.)

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, launch, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";
import { proxy } from "./support/proxy.mjs";
import { connection, enter, is, shows } from "./support/watch.mjs";

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
  start("chat-web", ["--listen", listen, "--node", node.ready.nodes[0].listen, "--secret-file", space.secret], space);

const state = (page) => connection(page).getAttribute("data-state");

/** The proxy lets WebSockets through from now on, and then no more. */
async function pass_and_refuse(office, page, other) {
  office.sockets = "pass";
  await is(page, "online", 45_000);
  await say(page, "by socket");
  for (const one of [page, other]) await shows(one, ["polled out", "polled in", "by socket"]);
  // And once more: what fails later on is noticed too, and not before it has failed twice.
  const tried = office.tried;
  office.sockets = "refuse";
  office.cut();
  await is(page, "polling", 30_000);
  assert.ok(office.tried - tried >= 2, `${office.tried - tried}`);
  await say(other, "polled again");
  await shows(page, ["polled out", "polled in", "by socket", "polled again"]);
}

for (const sockets of ["refuse", "cut", "mute"]) {
  test(`behind a proxy that will ${sockets} WebSockets the page polls by itself${sockets === "refuse" ? ", and comes back when it lets them through" : ""}`, async () => {
    const office = await proxy(web.ready.web);
    office.sockets = sockets;
    const page = await join_as(browser, `http://${office.address}/#${sockets}`, `in-${sockets}`);
    const other = await join_as(browser, `${url}#${sockets}`, `out-${sockets}`);
    await is(page, "polling");
    await say(page, "polled out");
    await say(other, "polled in");
    for (const one of [page, other]) await shows(one, ["polled out", "polled in"]);
    if (sockets === "refuse") await pass_and_refuse(office, page, other);
    await page.context().close();
    await other.context().close();
    office.close();
  });
}

test("the address can ask for polling, and then no WebSocket is tried", async () => {
  const office = await proxy(web.ready.web);
  const page = await join_as(browser, `http://${office.address}/?transport=poll#asked`, "amy");
  await is(page, "polling");
  await say(page, "as asked");
  await shows(page, ["as asked"]);
  // Longer than it takes until one would be tried beside polling.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  assert.equal(await state(page), "polling");
  assert.equal(office.tried, 0);
  assert.match(page.url(), /transport=poll/);
  await page.context().close();
  office.close();
});

test("tries come at longer distances, by chance, and at once when the user asks", async () => {
  const office = await proxy(web.ready.web);
  const page = await join_as(browser, `http://${office.address}/#tries`, "hal");
  await enter(page, "tries");
  Object.assign(office, { sockets: "cut", requests: "refuse" });
  const before = office.tried;
  office.cut();
  await is(page, "offline");
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const tries = office.tried - before;
  // Half of the tries are polls. At 100 ms each it would be sixty.
  assert.ok(tries >= 2 && tries <= 12, `${tries} tries`);
  Object.assign(office, { sockets: "pass", requests: "pass" });
  await page
    .getByRole("button", { name: "Try now" })
    .click({ timeout: 2000 })
    .catch(() => undefined);
  await until("it is back", async () => ["online", "polling"].includes(await state(page)), 6000);
  await page.context().close();
  office.close();
});
