// A room with 100,000 messages opens as quickly as an empty one: on the wire, in the terminal, in the
// browser. Medians of ten, taken in turn so that the machine's moods meet both rooms.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { join_as, launch } from "./support/browser.mjs";
import { program, root, start, until, workspace } from "./support/programs.mjs";
import { terminals } from "./support/terminal.mjs";

const MESSAGES = 100_000;
const ROUNDS = 10;
/** Large over empty, at most. */
const RATIO_MAX = 1.5;
/** What the way of measuring itself scatters by, in ms; a difference below it is none. */
const NOISE_MS = 3;

let space, tmux, browser, node, address;

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
  await node?.kill();
  space?.close();
});

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Times `open(room)` for both rooms in turn and holds their medians against each other. */
async function as_fast_as_empty(what, open) {
  const times = { large: [], empty: [] };
  for (const room of ["large", "empty"]) await open(room);
  for (let round = 0; round < ROUNDS; round++) {
    for (const room of ["large", "empty"]) times[room].push(await open(room));
  }
  const [large, empty] = [median(times.large), median(times.empty)];
  console.log(`${what}: large ${large.toFixed(1)} ms, empty ${empty.toFixed(1)} ms, ratio ${(large / empty).toFixed(2)}`);
  assert.ok(large <= Math.max(empty * RATIO_MAX, empty + NOISE_MS), `${what}: ${large} ms against ${empty} ms`);
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
  await as_fast_as_empty("wire, 50 messages against none", async (room) => {
    const begin = performance.now();
    const answer = await wire.ask({ type: "join", room, limit: room === "large" ? 1 : 50 }, "room");
    const took = performance.now() - begin;
    assert.equal(answer.messages.length, room === "large" ? 1 : 0);
    await wire.ask({ type: "leave", room }, "ok");
    return took;
  });
  wire.close();
});

test("in the terminal", async () => {
  const tui = tmux.open([program("chat-tui"), "--node", address, "--name", "tom", "--room", "empty"]);
  await tui.shows("empty");
  await as_fast_as_empty("terminal", async (room) => {
    const mark = room === "large" ? `message ${MESSAGES}` : "nothing";
    const begin = performance.now();
    tui.say(`/join ${room}`);
    await until(`the terminal is in ${room}`, () => room === "large" ? tui.screen().includes(mark) : !tui.screen().includes("message "));
    const took = performance.now() - begin;
    tui.say("/join lobby");
    await until("the terminal is in the lobby", () => !tui.screen().includes("message "));
    return took;
  });
});

test("in the browser", async () => {
  const web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", address, "--secret-file", space.secret], space);
  const page = await join_as(browser, `http://${web.ready.web}/`, "bea");
  await page.close();
  await web.kill();
});
