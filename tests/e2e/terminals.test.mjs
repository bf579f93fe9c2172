// Two terminals and a browser in one room: the terminals' node is killed under them, one of them is resized
// while somebody reads in it, pasted into, and quit with a message that nobody has taken yet.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";

import { join_as, launch, messages, say } from "./support/browser.mjs";
import { count, lasting_address, program, start, until, workspace } from "./support/programs.mjs";
import { terminals } from "./support/terminal.mjs";

let space, tmux, browser;
const running = [];

before(async () => {
  space = workspace();
  tmux = terminals(space);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  tmux?.close();
  await Promise.all(running.map((program) => program.kill()));
  space?.close();
});

async function node(name, { listen = "127.0.0.1:0", peer = "127.0.0.1:0", join = [] } = {}) {
  const joins = join.flatMap((address) => ["--join", address]);
  const args = ["--name", name, "--listen", listen, "--peer", peer, "--data", `${space.folder}/${name}`, "--rate", "0"];
  const started = await start("chat-node", [...args, "--secret-file", space.secret, ...joins], space);
  running.push(started);
  return { ...started, ...started.ready.nodes[0] };
}

/** What is stored of the room, by a node. */
const stored = (at) =>
  execFileSync(program("chat"), ["tail", "--node", at, "--name", "script", "--room", "lobby", "--json", "-n", "500"], {
    env: space.env(),
    encoding: "utf8",
  })
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).text);

test("two terminals and a browser go through a killed node, a resize, a paste and a quit, and nothing is lost or doubled", async () => {
  const n1 = await node("n1");
  const n2 = await node("n2", { listen: await lasting_address(), peer: await lasting_address(), join: [n1.peer] });
  const web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", n2.listen, "--secret-file", space.secret], space);
  running.push(web);
  const client = (name) => [program("chat-tui"), "--node", n1.listen, "--node", n2.listen, "--name", name, "--room", "lobby"];
  const size = { columns: 90, rows: 24 };
  const ann = tmux.open(client("ann"), size);
  const ben = tmux.open(client("ben"), size);
  await ann.shows("connected to n1");
  await ben.shows("connected to n1");
  const page = await join_as(browser, `http://${web.ready.web}/`, "bea");
  const page_shows = (text) =>
    until(`the browser shows ${text}`, async () => (await messages(page)).some((m) => m.text.includes(text)));

  ann.say("one, from a terminal");
  await ben.shows("one, from a terminal");
  await page_shows("one, from a terminal");
  await say(page, "two, from the browser");
  await ann.shows("two, from the browser");
  await ben.shows("two, from the browser");

  // Their node is killed: both move by themselves, say so, and what is said meanwhile arrives.
  await n1.kill();
  ben.type("three, into the outage");
  ben.press("Enter");
  await ann.shows("moved from n1 to n2");
  await ben.shows("connected to n2");
  for (const one of [ann, ben]) await one.shows("three, into the outage");
  await page_shows("three, into the outage");

  // Ann reads in the history: neither what arrives nor another size moves it from her eyes.
  for (let i = 0; i < 120; i++) {
    execFileSync(program("chat"), ["send", "--node", n2.listen, "--name", "script", "--room", "lobby", `line ${i} ${"and words ".repeat(i % 9)}`], { env: space.env() });
  }
  await ann.shows("line 119 ");
  for (let i = 0; i < 3; i++) {
    ann.press("PageUp");
    await until("a page up", () => !ann.screen().includes("line 119 "));
  }
  const [, read] = (await ann.settled()).match(/line (\d+) /);
  ben.say("news while ann reads");
  await ann.shows("1 new ↓");
  for (const [columns, rows] of [[60, 14], [140, 45], [40, 12], [90, 24]]) {
    ann.resize(columns, rows);
    await until(`line ${read} at ${columns}×${rows}`, () => ann.screen().includes(`line ${read} `));
  }
  assert.ok(!(await ann.settled()).includes("news while ann reads"));
  ann.press("End");
  await ann.shows("news while ann reads");

  // Thirty lines in one paste are one message.
  const pasted = Array.from({ length: 30 }, (_, i) => `pasted ${i}`).join("\n");
  ben.paste(pasted);
  await ben.shows("pasted 29");
  ben.press("Enter");
  await page_shows("pasted 29");
  await until("the paste is stored as one", () => stored(n2.listen).filter((text) => text === pasted).length === 1);

  // Nobody is left to take what Ben says: he quits, and it is said once when he is back.
  await n2.kill();
  await ben.shows("connection lost");
  ben.say("four, said to nobody");
  await ben.shows("1 waiting");
  ben.say("/quit");
  await ben.shows("[ended 0]");
  const again = await node("n2", { listen: n2.listen, peer: n2.peer });
  const back = tmux.open(client("ben"), size);
  await back.shows("four, said to nobody ✓");
  await ann.shows("four, said to nobody");
  await page_shows("four, said to nobody");
  assert.equal(count(await back.settled(), "four, said to nobody"), 1);
  const all = stored(again.listen);
  for (const text of ["one, from", "two, from", "three, into", "news while", "four, said"])
    assert.equal(all.filter((said) => said.startsWith(text)).length, 1, text);
});
