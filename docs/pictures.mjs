// Makes the README's pictures of the browser from the real programs: node docs/pictures.mjs
// (after `cargo build --bins` and `npm ci` in web/; it needs chromium, telnet and tmux, as ./test does).
// Those of the terminal: docs/terminal-pictures.mjs.

import { join } from "node:path";

import { join_as, launch, say } from "../tests/e2e/support/browser.mjs";
import { program, root, start, until, workspace } from "../tests/e2e/support/programs.mjs";
import { terminals } from "../tests/e2e/support/terminal.mjs";

const images = join(root, "docs/images");
const size = { columns: 100, rows: 28 };

const space = workspace();
const tmux = terminals(space);
const browser = await launch();
const running = [];

try {
  const n1 = await start("chat-node", ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  running.push(n1);
  const { listen } = n1.ready.nodes[0];
  const web = await start("chat-web", ["--listen", "127.0.0.1:0", "--node", listen, "--secret-file", space.secret], space);
  running.push(web);
  const url = `http://${web.ready.web}/`;

  const alice = tmux.open([program("chat-tui"), "--node", listen, "--name", "alice", "--room", "lobby", "--room", "ops"], size);
  await alice.shows("connected");
  const bob = await join_as(browser, url, "bob", { colorScheme: "dark" });
  await bob.getByRole("textbox", { name: "Room to join or create" }).fill("ops");
  await bob.getByRole("textbox", { name: "Room to join or create" }).press("Enter");
  await until("bob is in ops", async () => (await bob.locator("h1").innerText()).includes("ops"));
  const [host, port] = listen.split(":");
  const carol = tmux.open(["telnet", host, port]);
  await carol.shows("Connected");
  carol.say("carol");
  await carol.shows("you are in lobby");
  carol.say("/join ops");
  await carol.shows("ops");
  alice.press("M-2");
  alice.say("/topic deploys, pages, and who is on call");
  await alice.shows("who is on call");

  await say(bob, "disk on db-2 is at 91 %, it grows since noon");
  await alice.shows("at 91 %");
  alice.say("looking. Old WAL segments, the archive job has not run");
  await alice.shows("has not run ✓");
  carol.say("I restarted it from here (telnet on the console, no browser on that box)");
  await alice.shows("restarted it");
  await say(bob, "72 % and falling 🎉");
  await alice.shows("72 %");
  alice.say("/react 👍");
  alice.say("ελεγμένο, проверено, checked twice: all green");
  await until("bob sees it", async () => (await bob.locator("[role=log]").innerText()).includes("all green"));
  const dan = await join_as(browser, url, "dan");
  await say(dan, "good morning");
  await until("alice hears of it", () => alice.screen().includes("1"));
  await dan.context().close();
  await bob.getByRole("textbox", { name: "Message" }).fill("");
  await bob.mouse.move(5, 795);

  await bob.screenshot({ path: join(images, "browser-dark.png") });
  await bob.emulateMedia({ colorScheme: "light" });
  await bob.screenshot({ path: join(images, "browser-light.png") });
} finally {
  await browser.close();
  tmux.close();
  await Promise.all(running.map((program) => program.kill()));
  space.close();
}
