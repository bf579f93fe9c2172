import { describe, expect, test } from "vitest";
import { Page } from "./testing";

/** The texts that were sent, and where to. */
function sent(page: Page): [string, string][] {
  const frames = page.said().filter((frame) => frame.type === "send");
  return frames.map((frame) => [frame.room, frame.text]);
}

describe("a line with a slash", () => {
  test("is never sent as a text, and stays where it was typed if it is not understood", () => {
    for (const line of ["/fly", "/", "/ x", "/etc/hosts is wrong", "/MSGalice secret"]) {
      const page = Page.inLobby();
      page.write(line, "n1");
      expect(page.said()).toEqual([]);
      expect(page.texts()).toEqual([]);
      expect(page.lobby.draft.text).toBe(line);
      expect(page.lobby.note).toMatchObject({ tone: "warn" });
      page.do({ type: "draft_changed", text: `${line}!` });
      expect(page.lobby.note).toBeNull();
    }
  });

  test("tells nobody that somebody types", () => {
    const page = Page.inLobby();
    page.do({ type: "draft_changed", text: "/msg alice se" });
    expect(page.said()).toEqual([]);
  });

  test("with two slashes is a text that begins with one", () => {
    const page = Page.inLobby();
    page.write("//etc is full", "n1");
    expect(sent(page)).toEqual([["lobby", "/etc is full"]]);
    expect(page.lobby.draft.text).toBe("");
  });

  test("is no text either where a message is answered", () => {
    const page = Page.inLobby();
    page.lobby.draft.replyTo = "bob.1";
    page.write("/msg", "n1");
    expect(page.said()).toEqual([]);
  });
});

describe("the command", () => {
  test("/msg speaks to one person, and to nobody else", () => {
    const page = Page.inLobby();
    page.write("/msg alice the\nsecret", "n1");
    expect(sent(page)).toEqual([["@alice", "the\nsecret"]]);
    expect(page.state.current).toBe("@alice");
    expect(page.lobby.draft.text).toBe("");
    page.do({ type: "room_opened", room: "lobby" });
    page.write("/msg @Alice", "n2");
    expect(page.state.current).toBe("@alice");
    expect(sent(page)).toEqual([]);
  });

  test("/msg without a name, or to oneself, says so", () => {
    const page = Page.inLobby();
    page.write("/msg", "n1");
    expect(page.lobby.note?.text).toContain("To whom?");
    page.write("/msg mia secret", "n2");
    expect(page.lobby.note?.text).toBe("That is you.");
    expect(sent(page)).toEqual([]);
  });

  test("/join and /leave go to a room and away", () => {
    const page = Page.inLobby();
    page.write("/join #Ops", "n1");
    expect(page.state.current).toBe("ops");
    expect(page.said()).toContainEqual(expect.objectContaining({ type: "join", room: "ops" }));
    page.write("/leave", "n2");
    expect(page.state.current).toBe("lobby");
    expect(page.said()).toContainEqual(expect.objectContaining({ type: "leave", room: "ops" }));
    page.write("/leave nowhere", "n3");
    expect(page.lobby.note).toEqual({ text: "You are not in nowhere.", tone: "warn" });
  });

  test("/who, /topic and /help answer in the page alone", () => {
    const page = Page.inLobby([], { topic: "deploys", total: 3 });
    page.said();
    page.write("/who", "n1");
    expect(page.lobby.note?.text).toBe("In lobby: mia, 2 more");
    page.write("/topic", "n2");
    expect(page.lobby.note?.text).toBe("Topic: deploys");
    page.write("/help", "n3");
    expect(page.lobby.note?.text).toContain("/msg NAME [TEXT] – talk to one person");
    expect(page.lobby.draft.text).toBe("");
    expect(page.said()).toEqual([]);
    page.do({ type: "note_closed" });
    expect(page.lobby.note).toBeNull();
  });

  test("/topic with a text sets it", () => {
    const page = Page.inLobby();
    page.write("/topic deploys on Fridays", "n1");
    expect(page.said()).toContainEqual(
      expect.objectContaining({ type: "topic", room: "lobby", topic: "deploys on Fridays" }),
    );
  });
});
