import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checked } from "./checked";

const golden = readFileSync(new URL("../../../tests/golden/server.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("{"));

test("every frame of the protocol is one", () => {
  expect(golden.length).toBeGreaterThan(20);
  for (const line of golden) expect(checked(JSON.parse(line)), line).toEqual(JSON.parse(line));
});

test("a field that is missing or of another type makes it none, and nothing else is touched", () => {
  for (const line of golden) {
    const frame = JSON.parse(line) as Record<string, unknown>;
    for (const name of Object.keys(frame)) {
      if (name === "figures" || name === "hint") continue;
      for (const wrong of [null, {}, [[]], [{}], 1e999]) {
        const vector = ["since", "read", "reactions"].includes(name) && JSON.stringify(wrong) === "{}";
        if (!vector) expect(checked({ ...frame, [name]: wrong }), `${name} of ${line}`).toBeNull();
      }
    }
  }
  const message = { room: "lobby", id: "a.1", from: "a", uid: "a", ts: 1, origin: "n", seq: 1, nonce: "1" };
  const frame = (over: object) => checked({ type: "new_message", ...message, ...over });
  expect(frame({ more: "than is known" })).not.toBeNull();
  for (const missing of Object.keys(message)) expect(frame({ [missing]: undefined }), missing).toBeNull();
  expect(frame({ text: "whole 👍" })).not.toBeNull();
  expect(frame({ text: "half \ud83d" })).toBeNull();
  expect(frame({ reactions: { "👍": "bob" } })).toBeNull();
  expect(frame({ reactions: { "👍": [{}] } })).toBeNull();
});

test("what is no frame at all is none", () => {
  for (const value of [null, 1, "x", [], [{ type: "pong" }], {}, { type: 1 }, { type: "news" }])
    expect(checked(value)).toBeNull();
  for (const type of ["constructor", "__proto__", "toString"])
    expect(checked(JSON.parse(`{"type":"${type}"}`))).toBeNull();
});

test("no name is more than a name", () => {
  const frame = checked(
    JSON.parse('{"type":"gap","room":"lobby","since":{"__proto__":1,"constructor":2,"n1":3}}'),
  );
  expect(frame?.type === "gap" && Object.entries(frame.since)).toEqual([
    ["constructor", 2],
    ["n1", 3],
  ]);
});
