// What is looked at in a page again and again.

import { messages } from "./browser.mjs";
import { until } from "./programs.mjs";

export const connection = (page) => page.getByRole("status", { name: "Connection" });
export const article = (page, text) => page.locator("article", { hasText: text });

/** Waits until the page says that its connection is so. */
export const is = (page, state, deadline_ms = 15_000) =>
  connection(page).and(page.locator(`[data-state="${state}"]`)).waitFor({ timeout: deadline_ms });

/** Waits until the page shows these texts among its messages, each sent, once, and in this order. */
export const shows = (page, expected, deadline_ms = 15_000) =>
  until(
    `the page shows ${JSON.stringify(expected)}`,
    async () => {
      const shown = await messages(page);
      const found = shown.flatMap((message) => {
        const text = expected.find((one) => message.text.split("\n").includes(one));
        return text === undefined ? [] : [{ text, status: message.status }];
      });
      const wanted = expected.map((text) => ({ text, status: "sent" }));
      if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
      throw new Error(`it shows ${JSON.stringify(found)}`);
    },
    deadline_ms,
  );

/** Goes to a room, by the field for it. */
export async function enter(page, room) {
  await page.getByRole("textbox", { name: "Room to join or create" }).fill(room);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: room }).waitFor();
}

/** What the page complains of from now on: errors on its console, scripts that fail. */
export function complaints(page) {
  const seen = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.push(message.text()));
  page.on("pageerror", (error) => seen.push(String(error)));
  return seen;
}

/** A figure that a bridge tells about itself. */
export async function figure(web, name) {
  const text = await (await fetch(`http://${web.ready.web}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  if (line === undefined) throw new Error(`no ${name} in\n${text}`);
  return Number(line.split(" ").at(-1));
}
