// A picture of a terminal: what tmux holds of the screen, drawn by a real terminal emulator in the
// browser.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "./programs.mjs";

const theme = { background: "#11141a", foreground: "#d7dce4", cursor: "#d7dce4" };

/** Draws `escaped` (the screen with its escape sequences) and writes it to `path` as a PNG. */
export async function picture(browser, escaped, { columns, rows, path }) {
  const page = await browser.newPage({ deviceScaleFactor: 2, viewport: { width: 1600, height: 1200 } });
  const modules = join(root, "web/node_modules/@xterm");
  await page.setContent('<body style="margin:0;background:#11141a"><div id="t" style="display:inline-block;padding:12px"></div>');
  await page.addStyleTag({ content: readFileSync(join(modules, "xterm/css/xterm.css"), "utf8") });
  await page.addScriptTag({ path: join(modules, "xterm/lib/xterm.js") });
  await page.addScriptTag({ path: join(modules, "addon-unicode11/lib/addon-unicode11.js") });
  await page.evaluate(
    ({ escaped, columns, rows, theme }) =>
      new Promise((drawn) => {
        const terminal = new globalThis.Terminal({
          cols: columns,
          rows,
          theme,
          fontSize: 14,
          fontFamily: "'DejaVu Sans Mono', 'Noto Color Emoji', monospace",
          allowProposedApi: true,
          convertEol: true,
          cursorInactiveStyle: "none",
        });
        terminal.loadAddon(new globalThis.Unicode11Addon.Unicode11Addon());
        terminal.unicode.activeVersion = "11";
        terminal.open(document.getElementById("t"));
        terminal.write(escaped, drawn);
      }),
    { escaped: escaped.replace(/\n$/, ""), columns, rows, theme },
  );
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  await page.locator("#t").screenshot({ path });
  await page.close();
}
