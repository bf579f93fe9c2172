// The built programs, started on free ports with folders of their own, and stopped by their ids.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Where cargo puts what is built. */
export const target = JSON.parse(
  execFileSync("cargo", ["metadata", "--no-deps", "--format-version", "1", "--offline"], {
    cwd: root,
    maxBuffer: 1 << 26,
  }),
).target_directory;

/** Where `cargo build` puts a program; `CHAT_E2E_PROFILE=release` for the optimised ones. */
export const program = (name) => join(target, process.env.CHAT_E2E_PROFILE ?? "debug", name);

/**
 * A free address for a program that is ended and started again there. Of the ports that outgoing connections
 * get, as a listener on port 0 does, one may be taken meanwhile: by whoever tries to reach the program that is
 * gone, who may even reach himself.
 */
export async function lasting_address() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const is_free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (is_free) return `127.0.0.1:${port}`;
  }
}

/** A folder for one test: data, state, configuration; gone when `close` is called. */
export function workspace() {
  const folder = mkdtempSync(join(tmpdir(), "chat-e2e-"));
  writeFileSync(join(folder, "secret"), "e2e".repeat(16), { mode: 0o600 });
  return {
    folder,
    secret: join(folder, "secret"),
    env: (extra = {}) => ({
      PATH: process.env.PATH,
      HOME: folder,
      LANG: "C.UTF-8",
      TZ: "UTC",
      XDG_DATA_HOME: join(folder, "data"),
      XDG_CONFIG_HOME: join(folder, "config"),
      XDG_STATE_HOME: join(folder, "state"),
      XDG_RUNTIME_DIR: folder,
      ...extra,
    }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Starts a program and waits for its ready line. `ready` is that line, parsed; `kill` ends it with -9
 * and `stop` as an operator would, both waiting until it is gone; `pause` makes it stand still.
 */
export async function start(name, args, space, { env = {}, deadline_ms = 20_000 } = {}) {
  const folder = join(space.folder, "logs");
  mkdirSync(folder, { recursive: true });
  const log_file = join(folder, `${name}-${Date.now()}.log`);
  const log = openSync(log_file, "w");
  const child = spawn(program(name), [...args, "--ready-fd", "3"], {
    env: space.env(env),
    stdio: ["ignore", log, log, "pipe"],
  });
  const gone = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const ready = await new Promise((resolve, reject) => {
    let line = "";
    const timer = setTimeout(() => reject(new Error(`${name} is not ready after ${deadline_ms} ms`)), deadline_ms);
    child.stdio[3].on("data", (chunk) => {
      line += chunk;
      if (!line.includes("\n")) return;
      clearTimeout(timer);
      resolve(JSON.parse(line.split("\n")[0]));
    });
    gone.then(({ code }) => {
      clearTimeout(timer);
      reject(new Error(`${name} ended with ${code} before it was ready: ${readFileSync(log_file, "utf8").slice(-2000)}`));
    });
  });
  const end = (signal) => {
    child.kill(signal);
    return gone;
  };
  return {
    ready,
    pid: child.pid,
    gone,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    pause: () => child.kill("SIGSTOP"),
  };
}

/** Tries `attempt` until it neither throws nor gives something false, or the deadline has passed. */
export async function until(what, attempt, deadline_ms = 15_000) {
  const end = Date.now() + deadline_ms;
  let last;
  for (;;) {
    try {
      const value = await attempt();
      if (value) return value;
      last = new Error(`got ${JSON.stringify(value)}`);
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${deadline_ms} ms (${last.message})`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How often `text` stands in `screen`. */
export const count = (screen, text) => screen.split(text).length - 1;
