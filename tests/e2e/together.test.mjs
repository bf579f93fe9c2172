// The main story: a terminal, a browser and a telnet in one room, over two nodes of which one is
// killed. The real programs; nothing is simulated.

import assert from "node:assert/strict";
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
  const args = ["--name", name, "--listen", listen, "--peer", peer, "--data", `${space.folder}/${name}`];
  const started = await start("chat-node", [...args, "--secret-file", space.secret, ...joins], space);
  running.push(started);
  return { ...started, ...started.ready.nodes[0] };
}

test("a terminal, a browser and a telnet talk through different nodes, and a killed node loses nothing", async () => {
  const n1 = await node("n1", { listen: await lasting_address(), peer: await lasting_address() });
  const n2 = await node("n2", { join: [n1.peer] });
  const web = await start(
    "chat-web",
    ["--listen", "127.0.0.1:0", "--node", n2.listen, "--node", n1.listen, "--secret-file", space.secret],
    space,
  );
  running.push(web);

  const [host, port] = n1.listen.split(":");
  const telnet = tmux.open(["telnet", host, port], { rows: 60 });
  await telnet.shows("Connected to");
  telnet.say("tess");
  const tui = tmux.open(
    [program("chat-tui"), "--node", n1.listen, "--node", n2.listen, "--name", "tom", "--room", "lobby"],
    { columns: 110, rows: 40 },
  );
  await tui.shows("n1");
  const page = await join_as(browser, `http://${web.ready.web}/`, "bea");

  const everybody_shows = async (text) => {
    await telnet.shows(text);
    await tui.shows(text);
    await until(`the browser shows ${text}`, async () => (await messages(page)).some((m) => m.text.includes(text)));
  };
  telnet.say("one from the telnet");
  await everybody_shows("one from the telnet");
  tui.say("two from the terminal 🎉 日本語");
  await everybody_shows("two from the terminal 🎉 日本語");
  await say(page, "three from the browser");
  await everybody_shows("three from the browser");

  // The terminal's and the telnet's node is killed in the middle of talk.
  await n1.kill();
  tui.say("four, said into the outage");
  await say(page, "five, from the browser meanwhile");
  await until("the browser shows four", async () => (await messages(page)).some((m) => m.text.includes("four, said")));
  await tui.shows("five, from the browser meanwhile");
  await tui.shows("n2");

  // It comes back on the same ports and folder, and has everything.
  await node("n1", { listen: n1.listen, peer: n1.peer, join: [n2.peer] });
  const again = tmux.open(["telnet", host, port], { rows: 60 });
  await again.shows("Connected to");
  again.say("tim");
  await until("n1 has caught up", async () => {
    again.say("/history");
    await again.shows("five, from the browser meanwhile", 1000);
    return true;
  });
  again.say("six, after the return");
  await until("the browser shows six", async () => (await messages(page)).some((m) => m.text.includes("six, after")));
  await tui.shows("six, after the return");

  const said = ["one from", "two from", "three from", "four, said", "five, from", "six, after"];
  const shown = await messages(page);
  assert.deepEqual(shown.map((m) => said.findIndex((s) => m.text.includes(s))), [0, 1, 2, 3, 4, 5]);
  assert.equal(new Set(shown.map((m) => m.id)).size, shown.length);
  for (const text of said) assert.equal(count(tui.screen(), text), 1, `${text}\n${tui.screen()}`);
});
