// Draws the page's icons as PNG from their SVG: node icons/draw.mjs (in web/, after `npm ci`; it needs chromium).
//
// They are committed: what draws them differs from version to version, and the page is built without a browser.

import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const icon = readFileSync(here("../public/favicon.svg"), "utf8");
const maskable = readFileSync(here("maskable.svg"), "utf8");

/** What is drawn: from which picture, how large, where to. Maskable ones fill their square to the edges. */
const pictures = [
  [icon, 192, "icon-192"],
  [icon, 512, "icon-512"],
  [maskable, 192, "maskable-192"],
  [maskable, 512, "maskable-512"],
  [maskable, 180, "apple-touch-icon"],
];

mkdirSync(here("../public/icons"), { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [svg, pixels, name] of pictures) {
  const page = await browser.newPage({ viewport: { width: pixels, height: pixels } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${svg}`);
  await page.screenshot({ path: here(`../public/icons/${name}.png`), omitBackground: true });
  await page.close();
}
await browser.close();
