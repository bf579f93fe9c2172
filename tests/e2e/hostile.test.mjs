// A server that means harm, and a page that must not do what it wants.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "./support/browser.mjs";
import { hostile, hostile_lines, hostile_texts } from "./support/hostile.mjs";
import { start, until, workspace } from "./support/programs.mjs";

const WIDTH = 360;

let space, browser, web, server;

before(async () => {
  space = workspace();
  browser = await launch();
  // It needs no node: nothing that is said comes from one.
  web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", "127.0.0.1:9", "--secret-file", space.secret], space);
  server = await hostile(web.ready.web);
});

after(async () => {
  server?.close();
  await browser?.close();
  await web?.kill();
  space?.close();
});

/** A page on a phone, and what it does that it should not. */
async function victim() {
  const context = await browser.newContext({ viewport: { width: WIDTH, height: 740 }, hasTouch: true });
  const page = await context.newPage();
  const seen = [];
  page.on("dialog", (dialog) => {
    seen.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => request.url().startsWith(server.url) || seen.push(`request ${request.url()}`));
  page.on("websocket", (socket) => socket.url().startsWith(server.url.replace("http", "ws")) || seen.push(`socket ${socket.url()}`));
  page.on("popup", () => seen.push("popup"));
  page.on("pageerror", (error) => seen.push(`error ${error.stack}`));
  page.on("console", (message) => message.type() === "error" && seen.push(`console ${message.text()}`));
  page.on("framenavigated", (frame) => frame.url().startsWith(server.url) || seen.push(`navigated ${frame.url()}`));
  await page.addInitScript(() => {
    globalThis.canary = () => (globalThis.ran = true);
  });
  await page.goto(server.url);
  await page.getByRole("textbox", { name: "Your name" }).fill("victim");
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("log", { name: "Messages" }).waitFor();
  return { page, seen };
}

let seq = 0;
const message = (over) => {
  const nonce = `h${++seq}`;
  return { type: "new_message", room: "lobby", id: `mallory.${nonce}`, from: "mallory", uid: "mallory", ts: Date.now() * 1000 + seq, origin: "n1-a", seq, nonce, text: "x", ...over };
};

/** That all before it was taken in: a good message is shown after it. */
async function settle(page) {
  const text = `good ${seq}`;
  server.say(message({ text }));
  await page.locator("article").getByText(text, { exact: true }).waitFor();
}

/** What has gone wrong on the page itself. */
async function broken(page) {
  return await page.evaluate((width) => {
    const found = [];
    if (globalThis.ran) found.push("a script has run");
    if ({}.polluted !== undefined) found.push("the prototype of all objects was changed");
    if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const log = document.querySelector("[role=log]");
    if (log && log.scrollWidth > log.clientWidth) found.push(`the log is ${log.scrollWidth} wide`);
    const foreign = "script:not([type=module]), iframe, img, object, embed, base, meta[http-equiv], video, form[action], style, link:not([rel~=icon], [rel=stylesheet], [rel=manifest], [rel=apple-touch-icon], [rel=modulepreload])";
    for (const element of document.querySelectorAll(foreign)) found.push(element.outerHTML.slice(0, 200));
    for (const link of document.querySelectorAll("a[href]"))
      if (!/^https?:$/.test(link.protocol)) found.push(`a link to ${link.href.slice(0, 100)}`);
    // Nothing that reorders what stands beside it, or is not seen.
    const hidden = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff]/u;
    const look = (where, text) => {
      const at = text?.search(hidden) ?? -1;
      if (at >= 0) found.push(`${where} has U+${text.charCodeAt(at).toString(16)}: ${text.slice(Math.max(0, at - 20), at + 20)}`);
    };
    look("the title", document.title);
    for (const element of document.body.querySelectorAll("*"))
      for (const { name, value } of element.attributes) if (!/^(d|class|id)$/.test(name) && !name.startsWith("data-")) look(`${element.localName} ${name}`, value);
    look("the page", document.body.textContent);
    return found;
  }, WIDTH);
}

test("names, rooms, topics and texts of all kinds run nothing, load nothing and break nothing", { timeout: 180_000 }, async () => {
  const { page, seen } = await victim();
  const texts = hostile_texts();
  assert.ok(texts.length >= 300);
  const room_info = (room) => ({ room, topic: room, total: 5, private: false, joined: false, last: 1, unread: 1 });
  for (let from = 0; from < texts.length; from += 30) {
    const some = texts.slice(from, from + 30);
    const users = some.map((name, i) => ({ name, uid: `u${from + i}` }));
    server.say(
      ...some.map((text) => message({ text })),
      ...some.slice(0, 15).map((name, i) => message({ from: name, uid: `u${from + i}`, text: "from whom?" })),
      ...some.slice(0, 5).map((name) => message({ room: `@${name}`, from: name, text: name })),
      ...some.slice(0, 5).map((name) => message({ text: "liked", reactions: { [name]: [name], "👍": some } })),
      ...users.slice(0, 10).map((user) => ({ type: "user_join", room: "lobby", user, total: 9 })),
      ...users.slice(0, 3).map(({ name: user, uid }) => ({ type: "user_leave", room: "lobby", user, uid, reason: user, total: 9 })),
      ...users.slice(0, 3).map(({ name: user, uid }) => ({ type: "typing", room: "lobby", user, uid, on: true })),
      { type: "user_list_update", room: "lobby", total: 1e308, users },
      { type: "renamed", uid: "mallory", from: some[0], to: some[1] },
      { type: "topic", room: "lobby", topic: some[2], user: some[3], ts: 1, origin: "n1-a", seq },
      { type: "rooms", rooms: some.map(room_info) },
      { type: "error", code: "internal", message: some[4] },
    );
    await settle(page);
    assert.deepEqual(await broken(page), [], `after ${JSON.stringify(some.map((text) => text.slice(0, 60)))}`);
    if (from % 60 === 0) {
      for (const drawer of ["rooms", "people"]) {
        await page.getByRole("button", { name: new RegExp(`^Show ${drawer}`) }).click();
        assert.deepEqual(await broken(page), [], `in the drawer of ${drawer}`);
        await page.keyboard.press("Escape");
      }
    }
  }
  // A conversation with somebody of such a name can be opened.
  await page.getByRole("button", { name: "Show rooms" }).click();
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link").last().click();
  await page.getByRole("heading").first().waitFor();
  assert.deepEqual(await broken(page), []);
  assert.deepEqual(seen, []);
  await page.context().close();
});

test("what is no frame is passed over, and the page goes on", { timeout: 120_000 }, async () => {
  const { page, seen } = await victim();
  const lines = hostile_lines();
  for (let from = 0; from < lines.length; from += 20) {
    server.say(...lines.slice(from, from + 20));
    await settle(page).catch((cause) => {
      throw new Error(`lost after ${JSON.stringify(lines.slice(from, from + 20).map((line) => JSON.stringify(line).slice(0, 120)))}: ${seen.join("; ")}`, { cause });
    });
    assert.deepEqual(await broken(page), []);
  }
  assert.deepEqual(seen, []);
  await until("the page is still of use", async () => {
    await page.getByRole("textbox", { name: "Message" }).fill("still here");
    await page.getByRole("button", { name: "Send" }).click();
    return (await page.locator("article", { hasText: "still here" }).count()) > 0;
  });
  await page.context().close();
});

test("every answer has the headers that keep the page to itself", async () => {
  const paths = ["/", "/manifest.webmanifest", "/favicon.svg", "/icons/icon-192.png", "/health", "/metrics", "/nothing", "/ws", "/poll"];
  const types = { "/": "text/html; charset=utf-8", "/manifest.webmanifest": "application/manifest+json", "/favicon.svg": "image/svg+xml", "/icons/icon-192.png": "image/png" };
  for (const path of paths) {
    // As browsers ask where they trust the address; Chromium warns of an opener policy elsewhere.
    const answer = await fetch(`http://${web.ready.web}${path}`, { headers: { "sec-fetch-dest": "document" } });
    const header = (name) => answer.headers.get(name) ?? "";
    const policy = Object.fromEntries(header("content-security-policy").split(";").map((part) => part.trim().split(/ (.*)/)));
    assert.equal(policy["default-src"], "'none'", path);
    assert.equal(policy["script-src"], "'self'", path);
    assert.equal(policy["manifest-src"], "'self'", path);
    assert.equal(policy["frame-ancestors"], "'none'", path);
    assert.ok(!header("content-security-policy").includes("unsafe"), path);
    assert.equal(header("x-content-type-options"), "nosniff", path);
    assert.equal(header("referrer-policy"), "no-referrer", path);
    assert.equal(header("cross-origin-opener-policy"), "same-origin", path);
    assert.match(header("permissions-policy"), /camera=\(\)/, path);
    if (types[path]) assert.equal(header("content-type"), types[path], path);
  }
});
