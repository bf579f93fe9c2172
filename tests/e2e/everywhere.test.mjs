// The page as a phone in the office network sees it: over plain http from another machine, where browsers keep back what
// they give to secure pages only.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { join_as, launch, say } from "./support/browser.mjs";
import { can_make_lan, lan } from "./support/lan.mjs";
import { start, until, workspace } from "./support/programs.mjs";
import { article, complaints, figure, is, shows } from "./support/watch.mjs";

const skip = can_make_lan() ? false : "network namespaces need root";
let space, office, browser, node, web, url;

before(async () => {
  if (skip) return;
  space = workspace();
  office = lan(space.folder);
  browser = await launch(office.chromium);
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  web = await start(
    "chat-web",
    ["--listen", `${office.server}:0`, "--node", node.ready.nodes[0].listen, "--secret-file", space.secret],
    space,
  );
  url = `http://${web.ready.web}/`;
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  office?.close();
  space?.close();
});

const composer = (page) => page.getByRole("textbox", { name: "Message" });

async function open(page, room) {
  await page.goto(`${url}#${room}`);
  await is(page, "online");
  await page.getByRole("heading", { name: room }).waitFor();
}

test("over plain http from another machine, two tabs have a connection each, and nothing else is missed", { skip }, async () => {
  const first = await join_as(browser, `${url}#plain`, "ann", { colorScheme: "light" });
  const second = await first.context().newPage();
  const seen = [first, second].map(complaints);
  await open(second, "plain");
  for (const page of [first, second]) {
    const has = await page.evaluate(() => [
      globalThis.isSecureContext,
      "locks" in navigator,
      "clipboard" in navigator,
      "serviceWorker" in navigator,
      "randomUUID" in crypto,
    ]);
    assert.deepEqual(has, [false, false, false, false, false]);
  }
  assert.equal(await figure(web, "chat_web_websockets"), 2);

  const bob = await join_as(browser, `${url}#plain`, "bob");
  seen.push(complaints(bob));
  await composer(second).pressSequentially("from the se");
  await bob.getByTestId("typing").getByText("ann is typing").waitFor();
  await until("the draft follows", async () => (await composer(first).inputValue()) === "from the se");
  await say(second, "from the second");
  await say(first, "from the first");
  await say(bob, "from bob");
  const all = ["from the second", "from the first", "from bob"];
  for (const page of [first, second, bob]) await shows(page, all);

  await first.getByRole("button", { name: "Theme" }).click();
  await until("the theme follows", async () => (await second.locator("html").getAttribute("data-theme")) === "dark");
  await second.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "lobby" }).waitFor();
  await second.reload();
  await is(second, "online");
  await shows(second, all);

  // What was read in one tab is read in the other: here the server says so.
  for (const page of [first, second]) await page.getByRole("link", { name: "lobby" }).click();
  await say(bob, "not read yet");
  for (const page of [first, second]) await page.getByRole("link", { name: /plain.*1/ }).waitFor();
  await second.getByRole("link", { name: /plain/ }).click();
  await until("it is read in the other", async () => /^lobby/.test(await first.title()));

  await second.getByRole("button", { name: "Sign out", exact: true }).click();
  await second.getByRole("button", { name: "Sign out?" }).click();
  for (const page of [first, second]) await page.getByRole("textbox", { name: "Your name" }).waitFor();
  assert.deepEqual(seen.flat(), []);
  await first.context().close();
  await bob.context().close();
});

test("there, what a closed tab could not say is kept, and said by the next", { skip }, async () => {
  const first = await join_as(browser, `${url}#kept`, "cid");
  const other = await join_as(browser, `${url}#kept`, "dot");
  process.kill(web.pid, "SIGSTOP");
  try {
    await say(first, "kept over a reload");
    await article(first, "kept over a reload").and(first.locator('[data-status="pending"]')).waitFor();
    const context = first.context();
    const second = context.newPage();
    await first.close();
    process.kill(web.pid, "SIGCONT");
    await open(await second, "kept");
    await shows(await second, ["kept over a reload"]);
    await shows(other, ["kept over a reload"]);
    await context.close();
  } finally {
    process.kill(web.pid, "SIGCONT");
  }
  await other.context().close();
});
