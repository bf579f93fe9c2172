// A crowded room: 500 people, 1,000 messages in ten seconds. No frame takes long, and the page does not grow.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { join_as, launch } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";

const PEOPLE = 500;
const WRITERS = 10;
const MESSAGES = 1000;
const SECONDS = 10;
/** A frame's work on the page's own thread, in processor time, at most. */
const FRAME_MS_MAX = 50;
/** What the page may have grown by after them, all garbage gone. */
const GROWTH_MIB_MAX = 2;

let space, browser, node, web;

before(async () => {
  space = workspace();
  browser = await launch();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start(
    "chat-node",
    [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret],
    space,
  );
  const bridge = [
    "--listen",
    "127.0.0.1:0",
    "--node",
    node.ready.nodes[0].listen,
    "--secret-file",
    space.secret,
  ];
  web = await start("chat-web", bridge, space);
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

/** Messages that the node has acknowledged. */
let stored = 0;

/** Somebody in the lobby; but for those who write, they read no more than it takes to be let in. */
function person(name, { writes = false } = {}) {
  const [host, port] = node.ready.nodes[0].listen.split(":");
  const socket = connect(Number(port), host);
  const say = (frame) => socket.write(`${JSON.stringify(frame)}\n`);
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("error", reject).on("data", (chunk) => {
      text += chunk;
      if (!text.includes('"type":"room"')) return;
      socket.removeAllListeners("data");
      if (writes) count_stored(socket);
      else socket.pause();
      resolve({ say, close: () => socket.destroy() });
    });
    say({ type: "user_join", name });
    say({ type: "join", room: "lobby", limit: 1 });
  });
}

function count_stored(socket) {
  let rest = "";
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    stored += lines.filter((line) => line.startsWith('{"type":"sent"')).length;
  });
}

/** From now on the page notes how long its tasks take, and the time from frame to frame. */
const watch = (page) =>
  page.evaluate(() => {
    const noted = { tasks: [], frames: [], done: false };
    new PerformanceObserver((list) =>
      noted.tasks.push(...list.getEntries().map((one) => one.duration)),
    ).observe({
      type: "longtask",
    });
    let last = performance.now();
    const frame = (now) => {
      noted.frames.push(now - last);
      last = now;
      if (!noted.done) requestAnimationFrame(frame);
    };
    requestAnimationFrame((now) => {
      last = now;
      requestAnimationFrame(frame);
    });
    window.noted = noted;
  });

/** What the page holds, in MiB, all garbage gone. */
async function held(devtools) {
  for (let i = 0; i < 3; i++) await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const counters = await devtools.send("Memory.getDOMCounters");
  return { mib: usedSize / 2 ** 20, nodes: counters.nodes };
}

/**
 * The processor time of the tasks of the page's own thread that a trace tells of, in ms, longest first. By the clock a
 * task also takes what other programs of the machine keep it waiting for.
 */
function tasks_of(trace) {
  const thread = ({ pid, tid }) => `${pid} ${tid}`;
  const frames = new Map();
  for (const one of trace)
    if (one.name === "FireAnimationFrame") frames.set(thread(one), (frames.get(thread(one)) ?? 0) + 1);
  const [own] = [...frames].sort((a, b) => b[1] - a[1])[0] ?? [];
  const tasks = trace.filter((one) => one.name === "RunTask" && one.ph === "X" && thread(one) === own);
  assert.ok(tasks.every((one) => one.tdur !== undefined), "the trace tells of processor time");
  return tasks.map((one) => one.tdur / 1000).sort((a, b) => b - a);
}

test("1,000 messages in ten seconds in a room of 500: no frame over 50 ms, and nothing stays behind", async () => {
  const people = [];
  while (people.length < PEOPLE - 1) {
    const some = Array.from(
      { length: Math.min(50, PEOPLE - 1 - people.length) },
      (_, i) => people.length + i,
    );
    people.push(...(await Promise.all(some.map((i) => person(`p${i}`, { writes: i < WRITERS })))));
  }
  const page = await join_as(browser, `http://${web.ready.web}/`, "mia");
  await until(
    "all are here",
    async () => (await page.getByRole("heading", { name: "People" }).innerText()).includes(`${PEOPLE}`),
    30_000,
  );
  const devtools = await page.context().newCDPSession(page);

  let n = 0;
  const post = (count) => {
    for (let i = 0; i < count; i++, n++)
      people[n % WRITERS].say({
        type: "send",
        room: "lobby",
        text: `message ${n} in a crowd, ${"with some words ".repeat(n % 5)}`,
        nonce: `${n}`,
      });
  };
  // Of ten writers none knows who is the last; what is said when all is stored is.
  const last = async () => {
    await until("all is stored", () => stored === n);
    const text = `that was number ${n++}`;
    people[0].say({ type: "send", room: "lobby", text });
    await page.locator("article", { hasText: text }).waitFor();
  };
  // As many as the page keeps, so that it is as large as it gets.
  for (let i = 0; i < 20; i++) {
    post(50);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await last();
  const before = await held(devtools);

  await browser.startTracing(page, {
    categories: ["devtools.timeline", "disabled-by-default-devtools.timeline"],
  });
  await watch(page);
  const begin = performance.now();
  let guests = 0;
  for (let sent = 0; sent < MESSAGES;) {
    const due = Math.min(MESSAGES, Math.floor(((performance.now() - begin) / 1000 / SECONDS) * MESSAGES));
    post(due - sent);
    sent = due;
    // Meanwhile people come and go.
    if (sent > 20 * guests) {
      const guest = await person(`guest-${guests++}`);
      setTimeout(guest.close, 1500);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const took = performance.now() - begin;
  await last();
  const noted = await page.evaluate(() => ((noted.done = true), noted));
  const trace = JSON.parse(await browser.stopTracing()).traceEvents;
  const after = await held(devtools);

  const tasks = tasks_of(trace);
  const frames = noted.frames.sort((a, b) => a - b);
  const growth = after.mib - before.mib;
  console.log(
    `${MESSAGES} messages in ${(took / 1000).toFixed(1)} s: longest task ${tasks[0]?.toFixed(1)} ms of ${tasks.length}, ` +
      `${noted.tasks.length} over 50 ms by the clock; ${frames.length} frames, median ${frames[frames.length >> 1].toFixed(1)}, ` +
      `p99 ${frames[Math.floor(frames.length * 0.99)].toFixed(1)}, longest ${frames.at(-1).toFixed(1)} ms apart; ` +
      `heap ${before.mib.toFixed(2)} to ${after.mib.toFixed(2)} MiB, ${before.nodes} to ${after.nodes} nodes`,
  );
  assert.ok(tasks.length > 100 && tasks[0] < FRAME_MS_MAX, `longest task ${tasks[0]} of ${tasks.length}`);
  assert.ok(growth < GROWTH_MIB_MAX, `grown by ${growth.toFixed(2)} MiB`);
  const shown = await page.locator("[role=log] article").count();
  assert.ok(shown < 200, `${shown} rows`);
  for (const one of people) one.close();
});
