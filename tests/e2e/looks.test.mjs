// How the page looks: pictures of its parts in light and dark, wide and on a phone, for whoever has changed it to look
// at, in `pictures/` of cargo's target folder. What a program can see of it is held: nothing stands out of the view, the
// names of a person's own controls are not cut, and the page has nothing to complain of.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { join_as, say } from "./support/browser.mjs";
import { target } from "./support/programs.mjs";
import { article, composer, enter, stage } from "./support/story.mjs";
import { complaints } from "./support/watch.mjs";

const folder = join(target, "pictures");
const SIZES = {
  wide: { width: 1360, height: 860 },
  narrow: { width: 820, height: 900 },
  phone: { width: 390, height: 780 },
  small: { width: 320, height: 568 },
};
const SCHEMES = ["light", "dark"];

let chat;
before(async () => {
  mkdirSync(folder, { recursive: true });
  chat = await stage();
});
after(() => chat?.close());

/** A morning in a room: of all that there is to be seen in one. */
async function morning(mia) {
  const [ann, ben] = [await chat.writer("ann", "ops"), await chat.writer("ben", "ops")];
  await ann.ask({ type: "topic", room: "ops", topic: "Deploys on Tuesdays · on call this week: ben" });
  const { id } = await ann.send("Good morning! The new disks are in **n3**, it caught up in 40 s.");
  await ben.send("Nice. Was anything lost?", { reply_to: id });
  await ann.send(
    "No. What `chat status` says:\n```sh\nchat status --node localhost:9001 | grep -c linked # 2\nif [ $? -ne 0 ]; then echo \"alone\"; fi\n```\n> two copies, on two disks\n\nNext:\n- take n1 out\n- change its disks\n- [read this first](https://example.org/disks)",
  );
  await ben.ask({ type: "react", room: "ops", id, emoji: "🎉", on: true });
  await ann.ask({ type: "react", room: "ops", id, emoji: "👍", on: true });
  await ben.ask({ type: "react", room: "ops", id, emoji: "👍", on: true });
  const second = await ben.send("It is @mia who has the keys to the cabinet, in #lobby they say from ten o'clock");
  await ben.ask({ type: "edit", room: "ops", id: second.id, text: "It is @mia who has the keys to the cabinet, from ten o'clock" });
  const third = await ben.send("wrong room, sorry");
  await ben.ask({ type: "delete", room: "ops", id: third.id });
  await enter(mia, "ops");
  await say(mia, "I am there at ten. 😀");
  await say(mia, "A word that is far too long for any screen: " + "Donaudampfschifffahrtsgesellschaft".repeat(4));
  // It is not answered.
  void ann.ask({ type: "typing", room: "ops", on: true });
  const direct = await chat.writer("zoe", "lobby");
  await direct.ask({ type: "send", room: "@mia", text: "have you got a minute?" });
  await direct.send("anybody for lunch?");
  for (const room of ["kitchen", "release-2026-with-a-rather-long-name-of-a-room"]) await ann.ask({ type: "join", room });
  return [ann, ben, direct];
}

/** Nothing of the page, but what is hidden there on purpose, is beside the view. */
const outside = (page) =>
  page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const clipped = (element) => element.closest("pre, .truncate *, .sr-only, [inert], [aria-hidden=true]") !== null;
    return [...document.querySelectorAll("body *")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !clipped(element))
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -0.5 || right > wide + 0.5);
      })
      .map((element) => element.outerHTML.slice(0, 120));
  });

async function pictures(page, what, sizes = Object.keys(SIZES)) {
  for (const size of sizes) {
    await page.setViewportSize(SIZES[size]);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
      // What has another place in another size has taken it.
      await page.waitForTimeout(150);
      await page.screenshot({ path: join(folder, `${what}-${size}-${colorScheme}.png`) });
    }
    assert.deepEqual(await outside(page), [], `${what}, ${size}`);
  }
  await page.setViewportSize(SIZES.wide);
}

test("the page in light and dark, wide and on a phone", { timeout: 240_000 }, async () => {
  const entry = await (await chat.browser.newContext()).newPage();
  await entry.goto(chat.url);
  await entry.getByRole("button", { name: "Join" }).waitFor();
  await pictures(entry, "name");
  await entry.context().close();

  const mia = await join_as(chat.browser, chat.url, "mia", { viewport: SIZES.wide, colorScheme: "light" });
  const complained = complaints(mia);
  const others = await morning(mia);
  await article(mia, "far too long").and(mia.locator('[data-status="sent"]')).waitFor();
  await pictures(mia, "room");

  await article(mia, "Good morning").first().hover();
  await pictures(mia, "actions", ["wide"]);
  for (const [what, keys] of Object.entries({ switcher: "Control+k", keys: "Control+/" })) {
    await composer(mia).press(keys);
    await mia.getByRole("dialog").waitFor();
    await pictures(mia, what, ["wide", "phone", "small"]);
    await mia.keyboard.press("Escape");
    await mia.getByRole("dialog").waitFor({ state: "detached" });
  }
  await composer(mia).press("Control+Shift+F");
  const search = mia.getByRole("complementary", { name: "Search" });
  await search.getByRole("textbox", { name: "Words to find" }).fill("disks");
  await mia.keyboard.press("Enter");
  await search.getByText("caught up in 40 s").waitFor();
  await pictures(mia, "search", ["wide", "phone", "small"]);
  await search.getByRole("button", { name: "Close search" }).click();
  await article(mia, "Good morning").first().hover();
  await mia.getByRole("button", { name: "More reactions" }).click();
  await mia.getByRole("dialog", { name: "React with" }).waitFor();
  await pictures(mia, "emoji", ["wide", "phone", "small"]);
  await mia.keyboard.press("Escape");
  await composer(mia).fill("");
  await composer(mia).pressSequentially("ask @b");
  await mia.getByRole("listbox").waitFor();
  await pictures(mia, "completion", ["wide", "phone"]);
  await composer(mia).fill("x".repeat(3950));
  await pictures(mia, "near-the-limit", ["phone"]);
  assert.deepEqual(complained, []);
  await mia.context().close();

  // A phone is touched, and has its own ways.
  const kim = await join_as(chat.browser, `${chat.url}#ops`, "kim", {
    viewport: SIZES.phone,
    isMobile: true,
    hasTouch: true,
  });
  await article(kim, "far too long").waitFor();
  await pictures(kim, "touched", ["phone", "small"]);
  for (const drawer of ["rooms", "people"]) {
    await kim.setViewportSize(SIZES.phone);
    await kim.getByRole("button", { name: new RegExp(`^Show ${drawer}`) }).click();
    await pictures(kim, drawer, ["phone"]);
    await kim.setViewportSize(SIZES.phone);
    await kim.keyboard.press("Escape");
  }
  await kim.setViewportSize(SIZES.phone);
  await article(kim, "Next:").locator("p").first().tap();
  await kim.getByRole("toolbar").waitFor();
  await pictures(kim, "touched-actions", ["phone", "small"]);
  for (const one of others) one.close();
  await kim.context().close();
});
