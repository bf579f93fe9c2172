// A room with 1,000,000 messages opens as quickly as an empty one: on the wire, in the terminal, in the
// browser. Medians of thirty, taken in turn so that the machine's moods meet both rooms.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { join_as, launch } from "./support/browser.mjs";
import { program, root, start, until, workspace } from "./support/programs.mjs";
import { terminals } from "./support/terminal.mjs";

const MESSAGES = 1_000_000;
const ROUNDS = 30;
/** Large over empty, at most. */
const RATIO_MAX = 1.5;

/** What the newest message of the long log says. */
const NEWEST = `message ${MESSAGES - 1}`;

let space, tmux, browser, node, web, address;

before(async () => {
  space = workspace();
  tmux = terminals(space);
  browser = await launch();
  const data = `${space.folder}/n1`;
  execFileSync(
    "cargo",
    ["run", "--quiet", "--locked", "--example", "fixture", "--", data, "large", String(MESSAGES)],
    { cwd: root, stdio: "inherit" },
  );
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", data, "--secret-file", space.secret], space);
  address = node.ready.nodes[0].listen;
});

after(async () => {
  await browser?.close();
  tmux?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Times `open(room)` for both rooms in turn: the medians, in ms. */
async function series(open) {
  const times = { large: [], empty: [] };
  for (const room of ["large", "empty"]) await open(room);
  for (let round = 0; round < ROUNDS; round++) {
    for (const room of ["large", "empty"]) times[room].push(await open(room));
  }
  return [median(times.large), median(times.empty)];
}

/** Holds both rooms' medians against each other. */
async function as_fast_as_empty(what, open) {
  const [large, empty] = await series(open);
  const figures = `${what}: large ${large.toFixed(1)} ms, empty ${empty.toFixed(1)} ms, ratio ${(large / empty).toFixed(2)}`;
  console.log(figures);
  assert.ok(large <= empty * RATIO_MAX, figures);
}

/** Looks again at once: for timing, where `until` would add its pause. */
async function tightly(there, deadline_ms = 15_000) {
  const end = Date.now() + deadline_ms;
  while (!there()) {
    if (Date.now() > end) throw new Error(`not within ${deadline_ms} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client of the line protocol: `ask` sends a frame and waits for the answer of a type. */
async function client(name) {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  let text = "";
  const waiting = [];
  socket.setNoDelay(true).on("data", (chunk) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) {
      const frame = JSON.parse(line);
      const at = waiting.findIndex((w) => w.type === frame.type);
      if (at >= 0) waiting.splice(at, 1)[0].resolve(frame);
    }
  });
  const ask = (frame, type) =>
    new Promise((resolve) => {
      waiting.push({ type, resolve });
      socket.write(`${JSON.stringify(frame)}\n`);
    });
  await ask({ type: "user_join", name }, "session");
  return { ask, close: () => socket.destroy() };
}

test("on the wire", async () => {
  const wire = await client("wire");
  await as_fast_as_empty("wire", async (room) => {
    const begin = performance.now();
    const answer = await wire.ask({ type: "join", room, limit: 1 }, "room");
    const took = performance.now() - begin;
    assert.equal(answer.messages.length, room === "large" ? 1 : 0);
    await wire.ask({ type: "leave", room }, "ok");
    return took;
  });
  wire.close();
});

test("in the terminal", async () => {
  const tui = tmux.open([program("chat-tui"), "--node", address, "--name", "tom", "--room", "lobby"]);
  await tui.shows("1 here");
  await as_fast_as_empty("terminal", async (room) => {
    const begin = performance.now();
    tui.say(`/join ${room}`);
    const shown = (screen) => screen.split("\n")[0].includes(`#${room}`) && screen.includes("1 here") && (room === "empty" || screen.includes(NEWEST));
    await tightly(() => shown(tui.screen()));
    const took = performance.now() - begin;
    tui.say("/leave");
    await until("the terminal is back in the lobby", () => !tui.screen().split("\n")[0].includes(`#${room}`));
    return took;
  });
});

test("in the browser", async () => {
  web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", address, "--secret-file", space.secret], space);
  const page = await join_as(browser, `http://${web.ready.web}/`, "bea");
  await as_fast_as_empty("browser", async (room) => {
    await page.getByRole("textbox", { name: "Room to join or create" }).fill(room);
    // Timed in the page, from the key that opens the room until it is there and laid out.
    const took = await page.evaluate(
      ({ room, newest }) =>
        new Promise((resolve) => {
          const there = () => {
            const title = document.querySelector("h1")?.textContent ?? "";
            const people = document.querySelectorAll("[aria-label=People] li, [role=list][aria-label=People] > *");
            const articles = [...document.querySelectorAll("article[data-message-id]")];
            return title.includes(room) && people.length === 1 && (room === "empty" || articles.some((a) => a.textContent.includes(newest)));
          };
          const begin = performance.now();
          document.activeElement.form.requestSubmit();
          // Not by frames: those would round every time up to the next 17 ms.
          const watch = new MutationObserver(() => {
            if (!there()) return;
            watch.disconnect();
            // Asking for a height has the browser lay out what is new: it belongs to the time.
            document.querySelector("[role=log]").getBoundingClientRect();
            resolve(performance.now() - begin);
          });
          watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
        }),
      { room, newest: NEWEST },
    );
    await page.getByRole("button", { name: "Leave room" }).click();
    await until("the browser is out of the room", async () => !(await page.locator("h1").innerText()).includes(room));
    return took;
  });
});
