// A real terminal: a program in tmux, typed into and read as a person would.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";

import { until } from "./programs.mjs";

/** A tmux server of this test's own, so that no other session is touched. */
export function terminals(space) {
  const socket = `chat-e2e-${process.pid}-${randomBytes(4).toString("hex")}`;
  const tmux = (...args) =>
    execFileSync("tmux", ["-L", socket, ...args], { env: space.env({ TERM: "xterm-256color" }), encoding: "utf8" });
  let count = 0;

  /** Runs `command` (a list of words) in a window of `columns` by `rows`. */
  function open(command, { columns = 100, rows = 30 } = {}) {
    const name = `w${count++}`;
    const words = command.map((word) => `'${String(word).replaceAll("'", "'\\''")}'`).join(" ");
    // The shell stays when the program ends, so that what it left on the screen can be read.
    tmux("-f", "/dev/null", "new-session", "-d", "-s", name, "-x", columns, "-y", rows, `${words}; echo "[ended $?]"; cat`);
    tmux("set-option", "-t", name, "-g", "escape-time", "0");
    const screen = () => tmux("capture-pane", "-p", "-t", name);
    return {
      screen,
      /** The screen with all that has scrolled off its top. */
      all: () => tmux("capture-pane", "-p", "-S", "-", "-t", name),
      /** The screen with colours and styles, as escape sequences. */
      coloured: () => tmux("capture-pane", "-e", "-p", "-t", name),
      type: (text) => tmux("send-keys", "-t", name, "-l", "--", text),
      press: (...keys) => tmux("send-keys", "-t", name, ...keys),
      say: (text) => {
        tmux("send-keys", "-t", name, "-l", "--", text);
        tmux("send-keys", "-t", name, "Enter");
      },
      /** As a terminal hands on what is pasted into it, in one piece. */
      paste: (text) => {
        tmux("set-buffer", "-b", name, "--", text);
        tmux("paste-buffer", "-p", "-r", "-d", "-b", name, "-t", name);
      },
      resize: (columns, rows) => tmux("resize-window", "-t", name, "-x", columns, "-y", rows),
      shows: (text, deadline_ms) =>
        until(`the terminal shows ${JSON.stringify(text)}`, () => screen().includes(text), deadline_ms).catch((error) => {
          throw new Error(`${error.message}; it shows:\n${screen()}`);
        }),
      /** The screen once it stands still: while it is drawn, a line may be in two places or in none. */
      settled: async () => {
        let before;
        await until("the screen stands still", () => {
          const now = screen();
          const same = now === before;
          before = now;
          return same;
        });
        return before;
      },
      close: () => tmux("kill-session", "-t", name),
    };
  }

  return {
    open,
    close: () => {
      try {
        tmux("kill-server");
      } catch {
        // It ended with its last window.
      }
    },
  };
}
