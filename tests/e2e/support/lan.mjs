// A machine of its own in the office network: a network namespace with one address, and a browser in it.

import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ip = (...args) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });

/** Whether namespaces can be made here. */
export const can_make_lan = () => process.getuid?.() === 0;

/** Makes the namespace: `server` is this machine's address there, `chromium` a browser that is on the other one. */
export function lan(folder) {
  const name = `chat-e2e-${process.pid}`;
  const [here, there] = [`ce${process.pid}a`, `ce${process.pid}b`].map((one) => one.slice(-15));
  // Of a block that is for tests between networks (RFC 2544).
  const block = `198.18.${process.pid % 250}`;
  const close = () => {
    try {
      ip("netns", "del", name);
    } catch {
      // It was not made.
    }
  };
  try {
    ip("netns", "add", name);
    ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name);
    ip("addr", "add", `${block}.1/30`, "dev", here);
    ip("link", "set", here, "up");
    ip("-n", name, "addr", "add", `${block}.2/30`, "dev", there);
    ip("-n", name, "link", "set", there, "up");
    ip("-n", name, "link", "set", "lo", "up");
  } catch (error) {
    close();
    throw error;
  }
  const chromium = join(folder, "chromium-elsewhere");
  writeFileSync(chromium, `#!/bin/sh\nexec ip netns exec ${name} /usr/bin/chromium "$@"\n`);
  chmodSync(chromium, 0o755);
  return { server: `${block}.1`, chromium, close };
}
