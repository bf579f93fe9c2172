// Makes the README's pictures of the terminal from the real programs, as SVG: node docs/terminal-pictures.mjs
// (after `cargo build --bins`, or with CHAT_E2E_PROFILE=release after a release build; it needs tmux only).

import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { program, root, start, until, workspace } from "../tests/e2e/support/programs.mjs";
import { svg } from "../tests/e2e/support/svg.mjs";
import { terminals } from "../tests/e2e/support/terminal.mjs";

const size = { columns: 100, rows: 30 };
const space = workspace();
const tmux = terminals(space);
const running = [];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function node(name, join = []) {
  const args = ["--name", name, "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  const joins = join.flatMap((peer) => ["--join", peer]);
  const started = await start("chat-node", [...args, "--data", `${space.folder}/${name}`, "--secret-file", space.secret, ...joins], space);
  running.push(started);
  return { ...started, ...started.ready.nodes[0] };
}

/** Somebody who is in these rooms and speaks by the line protocol. */
async function person(name, listen, rooms) {
  const [host, port] = listen.split(":");
  const socket = connect(Number(port), host);
  const heard = [];
  let rest = "";
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    heard.push(...lines.map((line) => JSON.parse(line)));
  });
  let marks = 0;
  const ask = async (frame) => {
    const re = ++marks;
    socket.write(`${JSON.stringify({ ...frame, re })}\n`);
    return until(`${name}: ${frame.type}`, () => heard.find((answer) => answer.re === re));
  };
  await ask({ type: "user_join", name });
  for (const room of rooms) await ask({ type: "join", room });
  return {
    ask,
    say: (room, text, more = {}) => ask({ type: "send", room, text, ...more }),
    tell: (frame) => socket.write(`${JSON.stringify(frame)}\n`),
    close: () => socket.destroy(),
  };
}

function keep(name, terminal, title, { columns, rows } = size) {
  writeFileSync(join(root, "docs/images", `${name}.svg`), svg(terminal.coloured(), { columns, rows, title }));
}

try {
  const n1 = await node("n1");
  const n2 = await node("n2", [n1.peer]);
  const n3 = await node("n3", [n1.peer]);
  const bob = await person("bob", n2.listen, ["ops", "lobby", "random"]);
  const carol = await person("carol", n1.listen, ["ops", "lobby", "on-call"]);
  const dan = await person("dan", n2.listen, ["ops", "random"]);
  await carol.ask({ type: "topic", room: "ops", topic: "deploys, pages, and who is on call" });

  const rooms = ["lobby", "ops", "on-call", "random"].flatMap((room) => ["--room", room]);
  const alice = tmux.open([program("chat-tui"), "--node", n1.listen, "--node", n2.listen, "--name", "alice", ...rooms], size);
  await alice.shows("connected to n1");
  alice.press("M-2");
  await alice.shows("who is on call");

  await bob.say("ops", "disk on db-2 is at 91 %, it grows since noon");
  alice.say("old WAL segments, the archive job is stuck");
  await alice.shows("is stuck ✓");
  const fix = "this brings it back:\n```sh\nsystemctl restart archive.timer\njournalctl -u archive -f --since '5 min ago'\n```";
  const { id } = await carol.say("ops", fix);
  await dan.ask({ type: "react", room: "ops", id, emoji: "👍", on: true });
  await bob.ask({ type: "react", room: "ops", id, emoji: "👍", on: true });
  await dan.say("ops", "72 % and falling 🎉", { reply_to: id });
  await bob.say("ops", "@alice can you write it into the **runbook**? Section `db/archive`");
  await alice.shows("runbook");
  alice.say("done. ελεγμένο, проверено, 確認済み: green");
  await alice.shows("green ✓");
  await carol.say("on-call", "hand-over at 18:00");
  await bob.say("random", "lunch?");
  await bob.say("@alice", "thanks!");
  dan.tell({ type: "typing", room: "ops", on: true });
  await alice.shows("dan is writing");
  alice.type("I am off at six, bob has the pager");
  await alice.shows("the pager");
  keep("terminal-chat", alice, "chat-tui: a room with code, reactions, replies and who is writing");

  alice.press("C-k");
  await alice.shows("go to");
  alice.type("o");
  await sleep(300);
  keep("terminal-switcher", alice, "the switcher: rooms, people and commands by a few letters");
  alice.press("Escape");

  const wide = { columns: 132, rows: 32 };
  alice.resize(wide.columns, wide.rows);
  alice.press("F2");
  await alice.shows("EVENTS");
  // Traffic that comes in waves, for half a minute; then a node is lost.
  const waves = async (seconds) => {
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      const count = Math.round(8 + 7 * Math.sin(tenth / 18));
      for (let i = 0; i < count; i++) bob.tell({ type: "send", room: i % 3 ? "ops" : "random", text: `wave ${tenth}` });
      await sleep(100);
    }
  };
  await waves(28);
  await n3.kill();
  await alice.shows("1 DOWN");
  await waves(5);
  keep("terminal-monitor", alice, "the monitoring pane: three nodes, of which one is down", wide);
  for (const one of [bob, carol, dan]) one.close();
} finally {
  tmux.close();
  await Promise.all(running.map((program) => program.kill()));
  space.close();
}
