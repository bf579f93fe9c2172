// What Lighthouse says of the page, as a phone loads it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { chromium, flags } from "./support/browser.mjs";
import { root, start, workspace } from "./support/programs.mjs";

const { default: lighthouse } = await import(pathToFileURL(`${root}/web/node_modules/lighthouse/core/index.js`));

/** Performance is measured, on a machine that does other things too: the best of these counts. */
const TRIES = 3;
const PERFORMANCE_MIN = 95;

let space, browser, node, web, port;

before(async () => {
  space = workspace();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  const to = ["--listen", "127.0.0.1:0", "--node", node.ready.nodes[0].listen, "--secret-file", space.secret];
  web = await start("chat-web", to, space);
  port = 20_000 + (process.pid % 20_000);
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: [...flags, `--remote-debugging-port=${port}`] });
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

test("the page is fast, accessible and as pages should be", { timeout: 240_000 }, async () => {
  let best = 0;
  for (let tried = 0; tried < TRIES && best < PERFORMANCE_MIN; tried++) {
    const options = { port, output: "json", logLevel: "error", onlyCategories: ["accessibility", "best-practices", "performance"] };
    const { lhr } = await lighthouse(`http://${web.ready.web}/`, options);
    // Now and then its own recording of the load misses the beginning, which it says, and asks to be run again.
    if (lhr.runtimeError?.code === "NO_NAVSTART") continue;
    assert.equal(lhr.runtimeError, undefined);
    const score = (name) => Math.round(lhr.categories[name].score * 100);
    const missed = (name) =>
      lhr.categories[name].auditRefs
        .map(({ id, weight }) => ({ weight, ...lhr.audits[id] }))
        .filter(({ weight, score }) => weight > 0 && score !== null && score < 1)
        .map(({ id, displayValue, details }) => `${id} ${displayValue ?? ""} ${JSON.stringify(details?.items ?? "").slice(0, 500)}`);
    // These two do not depend on the machine.
    for (const name of ["accessibility", "best-practices"]) assert.equal(score(name), 100, `${name}:\n${missed(name).join("\n")}`);
    best = Math.max(best, score("performance"));
    console.log(`performance: ${score("performance")}${score("performance") < 100 ? `; ${missed("performance").join("; ").slice(0, 600)}` : ""}`);
  }
  assert.ok(best >= PERFORMANCE_MIN, `performance: ${best}`);
});
