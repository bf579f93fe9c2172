// The browser UI by https, in a real browser, with a certificate that is changed under it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { connect } from "node:tls";

import { join_as, launch, say } from "./support/browser.mjs";
import { start, until, workspace } from "./support/programs.mjs";

let space, browser, node, web, url;

/** Makes a certificate and its key anew, in the files that the bridge was started with. */
function renew() {
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"];
  const files = ["-keyout", `${space.folder}/key.pem`, "-out", `${space.folder}/cert.pem`];
  execFileSync("openssl", ["req", ...kind, ...subject, ...files], { stdio: "pipe" });
}

before(async () => {
  space = workspace();
  browser = await launch();
  renew();
  const args = ["--name", "n1", "--listen", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--rate", "0"];
  node = await start("chat-node", [...args, "--data", `${space.folder}/n1`, "--secret-file", space.secret], space);
  const tls = ["--tls-cert", `${space.folder}/cert.pem`, "--tls-key", `${space.folder}/key.pem`];
  const to = ["--listen", "127.0.0.1:0", "--node", node.ready.nodes[0].listen, "--secret-file", space.secret];
  web = await start("chat-web", [...to, ...tls], space);
  url = `https://${web.ready.web}/`;
});

after(async () => {
  await browser?.close();
  await web?.kill();
  await node?.kill();
  space?.close();
});

/** Which certificate who connects now is shown. */
const shown = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: Number(web.ready.web.split(":")[1]), host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });

test("people talk by https, and a new certificate breaks no connection", async () => {
  const secure = { ignoreHTTPSErrors: true };
  const alice = await join_as(browser, `${url}#safe`, "alice", secure);
  const online = alice.getByRole("status", { name: "Connection" }).and(alice.locator('[data-state="online"]'));
  await online.waitFor();
  // Such a page may do what one of plain http from elsewhere may not.
  assert.equal(await alice.evaluate(() => isSecureContext && location.protocol === "https:"), true);
  let sockets = 0;
  alice.on("websocket", () => sockets++);
  const old = await shown();
  renew();
  process.kill(web.pid, "SIGHUP");
  await until("the new certificate is shown", async () => (await shown()) !== old);
  const bob = await join_as(browser, `${url}#safe`, "bob", secure);
  await say(bob, "by the new one");
  await alice.locator("article", { hasText: "by the new one" }).waitFor();
  await say(alice, "by the old one");
  await bob.locator("article", { hasText: "by the old one" }).waitFor();
  await online.waitFor();
  assert.equal(sockets, 0, "she connected again");
  await alice.context().close();
  await bob.context().close();
});

test("who asks by plain http is told", async () => {
  const answer = await fetch(url.replace("https", "http"));
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /https:/);
});
