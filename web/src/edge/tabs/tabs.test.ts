import { beforeEach, describe, expect, test, vi } from "vitest";
import { Browser, type Tab } from "./testing";
import { Server } from "./testingServer";

let server: Server;
let browser: Browser;

beforeEach(() => {
  server = new Server();
  browser = new Browser(server);
  stubStorage();
  vi.spyOn(Date, "now").mockImplementation(() => browser.now);
});

function stubStorage(): void {
  vi.stubGlobal(
    "localStorage",
    new Proxy(browser.localStorage, {
      ownKeys: () => [...browser.store.keys()],
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
    }),
  );
}

/** So many tabs, signed in and in the lobby; the first leads. */
async function open(count: number): Promise<Tab[]> {
  const tabs = [browser.open()];
  await browser.pass(100);
  tabs[0]?.signIn("mia");
  await browser.pass(500);
  for (let i = 1; i < count; i++) {
    tabs.push(browser.open());
    await browser.pass(200);
  }
  await browser.pass(1000);
  return tabs;
}

const each = <T>(tabs: Tab[], look: (tab: Tab) => T): T[] => tabs.map(look);
const same = <T>(tabs: Tab[], value: T): T[] => tabs.map(() => value);

describe("tabs of one browser", () => {
  test("have one link, and each sees what any says", async () => {
    const tabs = await open(3);
    expect(each(tabs, (tab) => tab.connection)).toEqual(same(tabs, "online"));
    expect(server.sessions.size).toBe(1);
    for (const [n, tab] of tabs.entries()) {
      tab.write(`from ${n}`, `n${n}`);
      await browser.pass(200);
    }
    expect(each(tabs, (tab) => tab.lobby)).toEqual(same(tabs, ["from 0 sent", "from 1 sent", "from 2 sent"]));
    expect(server.said.filter((frame) => frame.type === "user_join")).toHaveLength(1);
    expect(server.said.filter((frame) => frame.type === "send")).toHaveLength(3);
    expect([...browser.store.keys()].filter((key) => key.includes("deed"))).toEqual([]);
  });

  test("the one that leads is closed while all write, until one is left: nothing is lost or there twice", async () => {
    const tabs = await open(5);
    const texts: string[] = [];
    while (tabs.length > 1) {
      for (const [n, tab] of tabs.entries()) {
        const text = `of ${tabs.length} number ${n}`;
        tab.write(text, text.replaceAll(" ", "-"));
        texts.push(text);
      }
      const leader = tabs.shift() as Tab;
      browser.close(leader);
      await browser.pass(3000);
      expect(server.sessions.size).toBe(1);
      expect(each(tabs, (tab) => tab.connection)).toEqual(same(tabs, "online"));
    }
    expect(server.messages.map((view) => view.text).sort()).toEqual([...texts].sort());
    expect(tabs[0]?.lobby.map((line) => line.replace(/ sent$/, "")).sort()).toEqual([...texts].sort());
  });

  test("what is said while the lead changes is there for those who said nothing", async () => {
    const [first, second, third] = (await open(3)) as [Tab, Tab, Tab];
    browser.close(first);
    server.post("lobby", "bob", "unheard");
    second.write("at once", "n1");
    await browser.pass(1000);
    expect(each([second, third], (tab) => tab.lobby)).toEqual(
      same([second, third], ["unheard sent", "at once sent"]),
    );
  });

  test("show how the link is, whoever has it, and are back together", async () => {
    const tabs = await open(3);
    server.fail();
    await browser.pass(3000);
    expect(each(tabs, (tab) => tab.connection)).toEqual(same(tabs, "offline"));
    tabs[2]?.write("meanwhile", "n1");
    await browser.pass(100);
    expect(each(tabs, (tab) => tab.lobby)).toEqual(same(tabs, ["meanwhile pending"]));
    server.up = true;
    // The leader tries again within five seconds; the others do not wait for tries of their own.
    await browser.pass(5500);
    expect(each(tabs, (tab) => tab.connection)).toEqual(same(tabs, "online"));
    expect(each(tabs, (tab) => tab.lobby)).toEqual(same(tabs, ["meanwhile sent"]));
    expect(server.sessions.size).toBe(1);
  });

  test("what a closed tab left unsaid is said by those that are there", async () => {
    const tabs = await open(2);
    server.fail();
    tabs[1]?.write("left over", "n1");
    await browser.pass(100);
    tabs[0]?.write("of the first", "n0");
    await browser.pass(500);
    for (const tab of tabs) browser.close(tab);
    const next = browser.open();
    await browser.pass(100);
    expect(next.lobby).toEqual(["left over pending", "of the first pending"]);
    server.up = true;
    await browser.pass(8000);
    expect(next.lobby).toEqual(["left over sent", "of the first sent"]);
    expect(browser.tabs).toEqual([next]);
  });

  test("one that leads and stands still is replaced, and follows when it goes on", async () => {
    const tabs = await open(2);
    const [first, second] = tabs as [Tab, Tab];
    first.still = true;
    second.write("while it stood still", "n1");
    await browser.pass(9000);
    expect(second.lobby).toEqual(["while it stood still sent"]);
    first.goOn();
    await browser.pass(2000);
    expect(server.sessions.size).toBe(1);
    expect(each(tabs, (tab) => tab.lobby)).toEqual(same(tabs, ["while it stood still sent"]));
    first.write("and on", "n2");
    await browser.pass(500);
    expect(second.lobby).toEqual(["while it stood still sent", "and on sent"]);
  });

  test("a whole machine that slept takes the lead from nobody", async () => {
    const tabs = await open(2);
    for (const tab of tabs) tab.still = true;
    browser.now += 60_000;
    for (const tab of tabs) tab.goOn();
    await browser.pass(5000);
    expect([server.sessions.size, server.said.filter((frame) => frame.type === "user_join").length]).toEqual([
      1, 1,
    ]);
  });

  test("who comes in in one is in in all, and signs out of all", async () => {
    const tabs = [browser.open(), browser.open()] as [Tab, Tab];
    await browser.pass(200);
    tabs[1].signIn("lea");
    await browser.pass(3000);
    expect(each(tabs, (tab) => [tab.state.me?.name, tab.connection])).toEqual(same(tabs, ["lea", "online"]));
    expect(server.sessions.size).toBe(1);
    tabs[1].dispatch({ type: "signed_out" });
    await browser.pass(3000);
    expect(each(tabs, (tab) => [tab.state.me, tab.state.rooms])).toEqual(same(tabs, [null, []]));
    expect([
      server.sessions.size,
      [...browser.store.keys()].filter((key) => /name|token|deed/.test(key)),
    ]).toEqual([0, []]);
    tabs[0].signIn("max");
    await browser.pass(3000);
    expect(each(tabs, (tab) => [tab.state.me?.name, tab.connection])).toEqual(same(tabs, ["max", "online"]));
    expect(server.sessions.size).toBe(1);
  });

  test("two that choose names in one moment become one user", async () => {
    const tabs = [browser.open(), browser.open()] as [Tab, Tab];
    await browser.pass(200);
    tabs[0].signIn("tom");
    tabs[1].signIn("tim");
    await browser.pass(5000);
    expect(tabs[0].state.me).toEqual(tabs[1].state.me);
    expect(each(tabs, (tab) => tab.connection)).toEqual(same(tabs, "online"));
    expect(server.sessions.size).toBe(1);
  });

  test("read in one is read in all, and rooms are entered and left together", async () => {
    const tabs = await open(2);
    const [first, second] = tabs as [Tab, Tab];
    first.dispatch({ type: "room_opened", room: "ops" });
    await browser.pass(500);
    expect(second.state.rooms.map((room) => [room.name, room.phase])).toEqual([
      ["lobby", "open"],
      ["ops", "open"],
    ]);
    first.dispatch({ type: "room_left", room: "ops" });
    await browser.pass(500);
    expect(each(tabs, (tab) => tab.state.rooms.map((room) => room.name))).toEqual(same(tabs, ["lobby"]));
    second.dispatch({ type: "visible", on: false });
    first.dispatch({ type: "visible", on: true });
    first.write("mine", "n1");
    await browser.pass(2500);
    const read = (tab: Tab) => tab.state.rooms[0]?.read;
    expect(read(second)).toEqual(read(first));
    expect(Object.keys(read(first) ?? {})).toHaveLength(1);
  });

  test("what another browser of the same user reads is read here, in all tabs", async () => {
    const tabs = await open(2);
    for (const tab of tabs) tab.dispatch({ type: "visible", on: false });
    const alone = browser.open(true);
    await browser.pass(1000);
    alone.write("alone", "n1");
    await browser.pass(3000);
    const read = (tab: Tab) => tab.state.rooms[0]?.read;
    expect(each(tabs, read)).toEqual(same(tabs, read(alone)));
    expect(Object.keys(read(alone) ?? {})).toHaveLength(1);
  });

  test("a sound is made once, in the one that was last used", async () => {
    const tabs = await open(3);
    tabs[1]?.dispatch({ type: "used" });
    tabs[2]?.dispatch({ type: "sound_toggled" });
    for (const tab of tabs) tab.dispatch({ type: "visible", on: false });
    await browser.pass(500);
    for (const tab of tabs) tab.blips = 0;
    server.post("lobby", "bob", "listen");
    await browser.pass(500);
    expect(each(tabs, (tab) => tab.blips)).toEqual([0, 1, 0]);
    browser.close(tabs[1] as Tab);
    await browser.pass(3000);
    server.post("lobby", "bob", "again");
    await browser.pass(500);
    expect(tabs.map((tab) => tab.blips)).toEqual([1, 1, 0]);
  });

  test("where a browser has locks and gives none, each has its own link", async () => {
    browser = new Browser(server, false);
    stubStorage();
    const tabs = await open(2);
    expect(server.sessions.size).toBe(2);
    tabs[1]?.write("alone", "n1");
    await browser.pass(500);
    expect(each(tabs, (tab) => tab.lobby)).toEqual(same(tabs, ["alone sent"]));
  });

  test("a tab that is alone has a link of its own", async () => {
    const [first] = (await open(1)) as [Tab];
    const alone = browser.open(true);
    await browser.pass(1000);
    expect(server.sessions.size).toBe(2);
    alone.write("alone", "n1");
    await browser.pass(500);
    expect(each([first, alone], (tab) => tab.lobby)).toEqual([["alone sent"], ["alone sent"]]);
  });
});
