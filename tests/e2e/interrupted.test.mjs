// An interruption, over WebSocket and over polling: what is written while there is no way to the bridge, a bridge that
// is restarted or stands still, a machine that slept.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, launch, messages, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";
import { proxy } from "./support/proxy.mjs";
import { article, connection, is, shows } from "./support/watch.mjs";
import { way } from "./support/way.mjs";

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
const pending = (page, text) => article(page, text).and(page.locator('[data-status="pending"]')).waitFor();

// Over polling each request that fails costs its own time.
for (const [transport, search, up, noticed_s] of [
  ["WebSocket", "", "online", 10],
  ["polling", "?transport=poll", "polling", 25],
]) {
  test(`over ${transport}, what is done without a connection is kept over a reload and done once`, async () => {
    const office = await proxy(web.ready.web);
    const room = `kept-${up}`;
    const page = await join_as(browser, `http://${office.address}/${search}#${room}`, `bo-${up}`);
    const other = await join_as(browser, `${url}#${room}`, `cy-${up}`);
    await say(page, "before");
    await shows(other, ["before"]);
    Object.assign(office, { sockets: "refuse", requests: "refuse" });
    office.cut();
    await until("it is noticed", async () => (await state(page)) !== up);
    await say(page, "meanwhile one");
    await say(page, "meanwhile two");
    await article(page, "before").hover();
    await page.getByRole("button", { name: "React with heart" }).click();
    await page.getByRole("textbox", { name: "Message" }).fill("a draft");
    for (const text of ["meanwhile one", "meanwhile two"]) await pending(page, text);
    await page.reload();
    for (const text of ["meanwhile one", "meanwhile two"]) await pending(page, text);
    assert.equal(await page.getByRole("textbox", { name: "Message" }).inputValue(), "a draft");
    Object.assign(office, { sockets: "pass", requests: "pass" });
    await is(page, up, 45_000);
    for (const one of [page, other]) {
      await shows(one, ["before", "meanwhile one", "meanwhile two"]);
      await article(one, "before").getByRole("button", { name: "❤️ 1" }).waitFor();
    }
    assert.equal((await messages(other)).length, 3);
    await page.context().close();
    await other.context().close();
    office.close();
  });

  test(`over ${transport}, the bridge restarted under an open page is come back to`, async () => {
    const room = `again-${up}`;
    const page = await join_as(browser, `${url}${search}#${room}`, `di-${up}`);
    await say(page, "before");
    await shows(page, ["before"]);
    await web.kill();
    await until("it is noticed", async () => (await state(page)) !== up);
    await say(page, "meanwhile");
    await is(page, "offline");
    web = await bridge(web.ready.web);
    await is(page, up, 45_000);
    await shows(page, ["before", "meanwhile"]);
    await page.context().close();
  });

  test(`over ${transport}, a bridge that stands still is noticed within ${noticed_s} s, and come back to`, async () => {
    const room = `still-${up}`;
    const page = await join_as(browser, `${url}${search}#${room}`, `ed-${up}`);
    await say(page, "before");
    await shows(page, ["before"]);
    web.pause();
    try {
      await until("it is noticed", async () => (await state(page)) !== up, noticed_s * 1000);
      await say(page, "meanwhile");
      await pending(page, "meanwhile");
    } finally {
      process.kill(web.pid, "SIGCONT");
    }
    await is(page, up, 45_000);
    await shows(page, ["before", "meanwhile"]);
    await page.context().close();
  });

  test(`over ${transport}, a machine that slept while its way was lost is back within seconds of waking`, async () => {
    const sleeper = await launch();
    const road = await way(web.ready.web);
    const room = `slept-${up}`;
    const page = await join_as(sleeper, `http://${road.address}/${search}#${room}`, `flo-${up}`);
    const other = await join_as(browser, `${url}#${room}`, `gus-${up}`);
    await say(other, "before");
    await shows(page, ["before"]);
    const session = await sleeper.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter((one) => one.type === "renderer").map((one) => one.id);
    assert.ok(renderers.length > 0);
    for (const pid of renderers) process.kill(pid, "SIGSTOP");
    road.silence();
    await say(other, "in its sleep");
    await new Promise((resolve) => setTimeout(resolve, 9000));
    const woken_at = Date.now();
    for (const pid of renderers) process.kill(pid, "SIGCONT");
    await shows(page, ["before", "in its sleep"], 30_000);
    const took_ms = Date.now() - woken_at;
    assert.ok(took_ms < (up === "online" ? 7000 : 20_000), `${took_ms} ms`);
    await is(page, up);
    await sleeper.close();
    await other.context().close();
    road.close();
  });
}
