import { describe, expect, test } from "vitest";
import { People } from "./people";

const user = (name: string, away = false) => ({ name, uid: `u-${name}`, ...(away ? { away } : {}) });

describe("the people of a room", () => {
  test("they are listed by name, those away last", () => {
    const people = People.of([user("zoe"), user("bob", true), user("amy")]);
    expect(people.listed().map(({ name }) => name)).toEqual(["amy", "zoe", "bob"]);
  });

  test("who comes, goes or changes gives another list, and leaves the one before as it was", () => {
    const before = People.of([user("amy"), user("bob")]);
    const after = before.changed([user("cat"), { ...user("amy"), away: true }], ["u-bob", "nobody"]);
    expect(after.listed().map(({ name }) => name)).toEqual(["cat", "amy"]);
    expect(before.listed().map(({ name }) => name)).toEqual(["amy", "bob"]);
    expect([after.length, after.byId("u-bob"), after.byId("u-amy")?.away]).toEqual([2, undefined, true]);
  });
});
