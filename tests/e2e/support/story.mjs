// What the tests of the page share: a node with a bridge and a browser, a client of the line protocol that tells
// stories in a room, and how to find what is on the page.

import { connect } from "node:net";

import { launch } from "./browser.mjs";
import { start, workspace } from "./programs.mjs";

/** A node, a bridge and a browser, without a limit on how quickly is written. */
export async function stage() {
  const space = workspace();
  const browser = await launch();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  const node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  const listen = node.ready.nodes[0].listen;
  const web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", listen, "--secret-file", space.secret], space);
  return {
    browser,
    url: `http://${web.ready.web}/`,
    writer: (name, room) => writer(listen, name, room),
    close: async () => {
      await browser.close();
      await web.kill();
      await node.kill();
      space.close();
    },
  };
}

/** A client of the line protocol, in `room`: `ask` waits for the answer of the same `re`. */
async function writer(listen, name, room) {
  const [host, port] = listen.split(":");
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
  const send = (text, more = {}) => ask({ type: "send", room, text, ...more });
  return { ask, send, close: () => socket.destroy() };
}

export const article = (page, text) => page.locator("article", { hasText: text });
export const composer = (page) => page.getByRole("textbox", { name: "Message", exact: true });

/** Goes to a room that only this test uses. */
export async function enter(page, room) {
  await page.getByRole("textbox", { name: "Room to join or create" }).fill(room);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: room, level: 1 }).waitFor();
}

/** Whether the element of a locator has the focus. */
export const has_focus = (locator) => locator.evaluate((element) => element === document.activeElement);
