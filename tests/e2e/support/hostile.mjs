// A server that means harm: the page and its headers are chat-web's own, what is said over the WebSocket is not.

import { createHash } from "node:crypto";
import { createServer, request } from "node:http";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x81;

/** Stands in front of the bridge at `target` ("host:port"). `say` sends a frame, or raw text, to every page. */
export async function hostile(target) {
  const [host, port] = target.split(":");
  const sockets = new Set();
  const server = createServer((asked, answer) => {
    const { method, url: path } = asked;
    const options = { host, port, method, path, headers: { ...asked.headers, host: target } };
    const passed = request(options, (given) => {
      answer.writeHead(given.statusCode, given.headers);
      given.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  server.on("upgrade", (asked, socket) => {
    const accept = createHash("sha1").update(asked.headers["sec-websocket-key"] + MAGIC).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", reader((frame) => say_to(socket, answer_to(frame))));
    const limits = { line: 65536, text: 4000, name: 32, room: 48, history: 200 };
    say_to(socket, [{ type: "connect", protocol: 1, server: "x/1", node: "n1", time: 1, limits }]);
  });
  const say_to = (socket, frames) => {
    for (const frame of frames) socket.write(packed(typeof frame === "string" ? frame : JSON.stringify(frame)));
  };
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    say: (...frames) => sockets.forEach((socket) => say_to(socket, frames)),
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a good server would answer, so that the page goes on. */
function answer_to({ type, re, name, room, nonce }) {
  const here = { re, room, messages: [], more: false };
  switch (type) {
    case "user_join":
      return [{ type: "session", re, user: name ?? "victim", uid: "victim", guest: true, role: "user", token: "t", node: "n1" }];
    case "join":
      return [{ type: "room", ...here, topic: "", private: false, total: 1, users: [{ name: "victim", uid: "victim" }], since: {}, read: {} }];
    case "history":
      return [{ type: "history", ...here, since: {} }];
    case "rooms":
      return [{ type: "rooms", re, rooms: [] }];
    case "send":
      return [{ type: "sent", re, nonce, room, id: `victim.${nonce}`, ts: Date.now() * 1000, origin: "n1-a", seq: 1e6, copies: 1 }];
    case "ping":
      return [{ type: "pong", re, time: 1 }];
    default:
      return re === undefined ? [] : [{ type: "ok", re }];
  }
}

/** Takes a client's frames apart: masked, and in one piece. */
function reader(heard) {
  let held = Buffer.alloc(0);
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      if (held.length < 2) return;
      let length = held[1] & 0x7f;
      let at = 2;
      if (length === 126) [length, at] = [held.length < 4 ? Infinity : held.readUInt16BE(2), 4];
      if (length === 127) throw new Error("the page says nothing that is so long");
      if (held.length < at + 4 + length) return;
      const mask = held.subarray(at, at + 4);
      const payload = Buffer.from(held.subarray(at + 4, at + 4 + length)).map((byte, i) => byte ^ mask[i % 4]);
      const is_text = held[0] === TEXT;
      held = held.subarray(at + 4 + length);
      if (is_text) heard(JSON.parse(payload.toString()));
    }
  };
}

/** A text as a server's frame. */
function packed(text) {
  const payload = Buffer.from(text);
  const length = payload.length;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = TEXT;
  head[1] = { 2: length, 4: 126, 10: 127 }[head.length];
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** What tries to run, to load, to lead elsewhere, to look like something else, or to burst. */
export function hostile_texts() {
  const run = "canary()";
  const markup = [
    `<script>${run}</script>`,
    `<img src=x onerror=${run}>`,
    `<img src="https://evil.test/a.png">`,
    `<svg onload=${run}>`,
    `<svg><script>${run}</script></svg>`,
    `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
    `<math><mtext><style><img src=x onerror=${run}></style>`,
    `<iframe src="javascript:${run}"></iframe>`,
    `<iframe srcdoc="<script>parent.${run}</script>">`,
    `<body onload=${run}>`,
    `<a href="javascript:${run}">click</a>`,
    `<form action="javascript:${run}"><button autofocus onfocus=${run}>`,
    `<input autofocus onfocus=${run}>`,
    `<details open ontoggle=${run}>`,
    `<link rel=stylesheet href=https://evil.test/x.css>`,
    `<base href="https://evil.test/">`,
    `<meta http-equiv=refresh content="0;url=https://evil.test">`,
    `<video><source onerror=${run}></video>`,
    `<object data="data:text/html,<script>${run}</script>"></object>`,
    `<style>@import "https://evil.test/x.css";</style>`,
    `--><script>${run}</script><!--`,
    `]]><script>${run}</script>`,
    `\u0000<script>${run}</script>`,
    `{{constructor.constructor("${run}")()}}`,
    `\${${run}}`,
    `"onmouseover=${run} x="`,
    `'onmouseover=${run} x='`,
    `&lt;script&gt;${run}&lt;/script&gt;`,
    `\\u003cscript\\u003e${run}\\u003c/script\\u003e`,
    `<template><script>${run}</script></template>`,
  ];
  const links = [
    `javascript:${run}`,
    `JaVaScRiPt:${run}`,
    `java\tscript:${run}`,
    `\u0001javascript:${run}`,
    `javascript://https://x.test/%0a${run}`,
    `data:text/html,<script>${run}</script>`,
    `vbscript:${run}`,
    `https://x.test/"onmouseover=${run}`,
    `https://x.test/'><script>${run}</script>`,
    `https://user:pass@evil.test/https://bank.test`,
    `https://bank.test\u202e/moc.live`,
    `https://bank\u2024test/`,
    `http://[::1]:1/`,
    `https://[`,
    `https://x.test:99999/`,
    `https://${"a.".repeat(200)}test`,
    `//evil.test/x`,
    `file:///etc/passwd`,
    `blob:https://evil.test/1`,
    `ws://evil.test/`,
  ];
  const markdown = [
    `[click](javascript:${run})`,
    `[click]( javascript:${run} )`,
    `[click](<javascript:${run}>)`,
    `![x](https://evil.test/a.png)`,
    `![x](javascript:${run})`,
    `[a]: javascript:${run}\n[a]`,
    `<javascript:${run}>`,
    `[x](data:text/html;base64,PHNjcmlwdD4)`,
    `[https://bank.test](https://evil.test)`,
    `\`\`\`html\n<script>${run}</script>\n\`\`\``,
    `\`\`\`"onload=${run}\nx\n\`\`\``,
    `\`<img src=x onerror=${run}>\``,
    `**<b onclick=${run}>x</b>**`,
    `> `.repeat(500) + "deep",
    `${"*".repeat(1000)}`,
    `${"[".repeat(1000)}`,
    `${"`".repeat(1000)}`,
    `${"_a".repeat(800)}`,
    `${"- ".repeat(500)}`,
    `#@:[]()<>`.repeat(100),
    `@${"a".repeat(3000)}`,
    `:${"smile:".repeat(300)}`,
    `||${run}||`,
    `| a |\n|---|\n| <img src=x onerror=${run}> |`,
    `~~~js\n${run}\n~~~`,
  ];
  const tricks = [
    "\u202egnp.exe",
    "\u202d\u202e\u2066\u2067\u2068x\u2069",
    "abc\u202e cba \u202c",
    "\u061c\u200e\u200fmark",
    "al\u200bice",
    "al\u200dice",
    "al\u2060ice",
    "\ufeffalice",
    "аlice",
    "аdmin",
    "a\u00addmin",
    "ad\u034fmin",
    "\u3164",
    "\u115f\u1160",
    "\u200b",
    "\u200d\u200d\u200d",
    " ",
    "",
    "\u2028\u2029",
    "\r\n\r\n\r\n",
    "\n".repeat(300),
    "\u001b[31mred\u001b[0m",
    "\u0007\u0008\u007f",
    "\u009b31m",
    "\ud800",
    "\udfff\ud800",
    "\ufffe\uffff",
    "\u{e0001}\u{e0041}\u{e007f}",
    "Z" + "\u0301".repeat(100),
    [..."zalgo text"].map((letter) => letter + "\u0334\u0301\u0316".repeat(34)).join(""),
    "\u0301".repeat(400),
    "ம்".repeat(300),
    "W".repeat(4000),
    "﷽".repeat(200),
    "𒐫".repeat(300),
    "👨‍👩‍👧‍👦".repeat(200),
    "\u{1f3f4}" + "\u{e0067}".repeat(100),
    "mرحبا".repeat(100),
    "שלום ".repeat(200),
    "a b".repeat(1000),
    "a\u00a0b".repeat(1000),
    "\t".repeat(500),
    "‮".repeat(50) + "x",
    "1e999",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "null",
    "undefined",
  ];
  const all = [...markup, ...links, ...markdown, ...tricks];
  // The same in disguises: in the midst of words, at the end of a line, quoted, twice.
  const disguises = [(t) => t, (t) => `see ${t} there`, (t) => `x\n${t}\n> ${t}`];
  return disguises.flatMap((disguise) => all.map(disguise)).slice(0, 360);
}

/** Lines that are no frames, or frames with something wrong in them. */
export function hostile_lines() {
  const message = { type: "new_message", room: "lobby", id: "m.x", from: "m", uid: "m", ts: 1e15, origin: "n1-a", seq: 1, nonce: "x", text: "x" };
  const wrong = [undefined, null, 5, -1, 1e308, true, "x", [], [null], {}, { a: {} }];
  const lines = Object.keys(message).flatMap((key) => wrong.map((value) => ({ ...message, id: `m.${key}`, [key]: value })));
  const odd = ["connect", "session", "room", "ok", "user_join", "user_leave", "user_list_update", "away", "renamed", "rooms", "topic", "sent", "message_update", "history", "gap", "typing", "read", "results", "pong", "stats", "disconnect", "error"];
  for (const type of odd) {
    lines.push({ type }, { type, room: "lobby" }, { type, room: null, users: "x", messages: {}, since: [], re: {} });
    lines.push({ type, room: "__proto__", re: "__proto__", user: { name: {}, uid: [] }, total: "many", rooms: [[]] });
  }
  return [
    ...lines,
    ...["news", "__proto__", "constructor", "", 5, null].map((type) => ({ type, room: "lobby" })),
    { ...message, id: "m.r1", reactions: { "👍": "everyone" } },
    { ...message, id: "m.r2", reactions: [["x"]] },
    '{"type":"new_message","room":"lobby","id":"m.p","from":"m","uid":"m","ts":1e15,"origin":"__proto__","seq":1,"nonce":"p","text":"x","reactions":{"__proto__":["m"],"constructor":["m"]},"__proto__":{"polluted":true}}',
    '{"type":"gap","room":"nowhere","since":{"__proto__":{"polluted":true}}}',
    '{"type":"read","room":"lobby","since":{"__proto__":1,"constructor":2}}',
    '{"type":"new_message","ts":1e999}',
    ...["", "{", "null", "[]", '"x"', "1", "{}", '{"type":', "\u0000", "[".repeat(50_000), `{"a":`.repeat(5000)],
  ];
}
