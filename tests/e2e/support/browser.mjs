// A real browser: Debian's Chromium, driven by playwright-core from web/node_modules.

import { createRequire } from "node:module";
import { join } from "node:path";

import { root } from "./programs.mjs";

const require = createRequire(join(root, "web/package.json"));
export const { chromium } = require("playwright-core");

export const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = (executablePath = "/usr/bin/chromium") => chromium.launch({ executablePath, args: flags });

/** Opens the page and comes in as `name`. */
export async function join_as(browser, url, name, options = {}) {
  return join_in(await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options }), url, name);
}

/** The same in a context that is there already. */
export async function join_in(context, url, name) {
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("status", { name: "Connection" }).and(page.locator('[data-state="online"], [data-state="polling"]')).waitFor();
  return page;
}

/** Types a message and sends it. */
export async function say(page, text) {
  await page.getByRole("textbox", { name: "Message" }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** The list has only the rows in the page that are near the view: makes the view so high that all are. */
export const show_all = (page, height = 4000) => page.setViewportSize({ width: 1200, height });

/** The texts of the messages shown, each with its id and state, in order. */
export const messages = (page) =>
  page.locator("[role=log] article[data-message-id]").evaluateAll((articles) =>
    articles.map((article) => ({
      id: article.dataset.messageId,
      status: article.dataset.status,
      text: article.innerText,
    })),
  );
