// A bridge and its node in one, that says what a test wants: it serves the page that was built, and one room whose
// log is made up on the spot, so that 100,000 messages cost nothing but their way to the page.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

import { root } from "./programs.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'";

/** Microseconds between two messages. */
const PACE_US = 20_000_000;
const ORIGIN = "n1-aaaa2222";

/** The messages of a log, of which `text(n)` and `over(n)` say what number `n` is. It may run in the page too. */
function log_of({ begin_us, pace_us, origin, text, over }) {
  const message = (n) => ({
    room: "lobby",
    id: `m${n}`,
    nonce: `n${n}`,
    from: `writer-${Math.floor(n / 3) % 7}`,
    uid: `writer${Math.floor(n / 3) % 7}`,
    ts: begin_us + n * pace_us,
    origin,
    seq: n + 1,
    text: text(n),
    ...over(n),
  });
  const range = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => message(from + i));
  /** The answer to a frame that asks for history, when there are `count` messages. */
  const page = ({ re, room, before, after, limit = 50 }, count) => {
    const index = (at) => Math.ceil((at - begin_us) / pace_us);
    const end = before === undefined ? count : Math.min(count, index(before));
    const from = after === undefined ? Math.max(0, end - limit) : index(after + 1);
    const to = after === undefined ? end : Math.min(count, from + limit);
    const more = after === undefined ? from > 0 : to < count;
    return { type: "history", re, room, messages: range(from, to), more };
  };
  return { message, range, page };
}

/**
 * A page that runs in the lobby of such a log. `users` are there beside the page's own. `feed` is a script for the
 * page, by which it makes up its history itself: while it draws frame after frame the browser takes in a hundred kilobytes a
 * second, and what the list can do with them is the question.
 */
export async function scripted({
  messages = 0,
  text = (n) => `message ${n}`,
  over = () => ({}),
  users = [],
} = {}) {
  const begin_us = Date.now() * 1000 - messages * PACE_US;
  const plain = { begin_us, pace_us: PACE_US, origin: ORIGIN };
  const { message, range, page } = log_of({ ...plain, text, over });
  const ts = (n) => begin_us + n * PACE_US;
  const said = [];
  const room = { count: messages, asked: 0 };
  const sockets = new Set();
  const since = () => ({ [ORIGIN]: room.count });

  /** The answer to a frame of the page. */
  const answer = (frame) => {
    const re = frame.re;
    switch (frame.type) {
      case "user_join":
        return {
          type: "session",
          re,
          user: "mia",
          uid: "mia234567",
          guest: true,
          role: "user",
          token: "t",
          node: "n1",
        };
      case "join": {
        const people = [{ name: "mia", uid: "mia234567" }, ...users];
        const first = Math.max(0, room.count - (frame.limit ?? 50));
        const held = frame.since ? [] : range(first, room.count);
        const head = {
          type: "room",
          re,
          room: frame.room,
          topic: "",
          private: false,
          total: people.length,
          users: people,
        };
        return { ...head, messages: held, more: !frame.since && first > 0, since: since(), read: {} };
      }
      case "history": {
        room.asked++;
        return page(frame, room.count);
      }
      case "send": {
        const n = room.count++;
        const sent = {
          type: "sent",
          re,
          nonce: frame.nonce,
          room: frame.room,
          id: `own.${frame.nonce}`,
          ts: ts(n),
        };
        return { ...sent, origin: ORIGIN, seq: n + 1, copies: 1 };
      }
      case "rooms":
        return { type: "rooms", re, rooms: [] };
      case "stats":
        return { type: "stats", re, node: "n1", server: "scripted", uptime_s: 1, nodes: [] };
      case "ping":
        return { type: "pong", re, time: Date.now() * 1000 };
      case "typing":
        return null;
      default:
        return { type: "ok", re, ts: ts(room.count), origin: ORIGIN, seq: room.count };
    }
  };

  const http = createServer((request, response) => {
    const path = new URL(request.url, "http://page").pathname;
    try {
      const body = readFileSync(join(root, "web/dist", path === "/" ? "index.html" : path));
      const type = TYPES[extname(path === "/" ? ".html" : path)] ?? "text/html";
      response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  http.on("upgrade", (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const say = (frame) => socket.writable && socket.write(outgoing(JSON.stringify(frame)));
    const one = { say, end: () => socket.destroy() };
    sockets.add(one);
    socket
      .setNoDelay(true)
      .on("close", () => sockets.delete(one))
      .on("error", () => {});
    let held = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (let next = incoming(held); next; next = incoming(held)) {
        held = held.subarray(next.end);
        if (next.opcode !== 1) continue;
        const frame = JSON.parse(next.text);
        said.push(frame);
        const back = answer(frame);
        if (back) say(back);
      }
    });
    const limits = { line: 65536, text: 4000, name: 32, room: 48, history: 200 };
    say({ type: "connect", protocol: 1, server: "scripted", node: "n1", time: Date.now() * 1000, limits });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));

  const say = (frame) => sockets.forEach((one) => one.say(frame));
  return {
    url: `http://127.0.0.1:${http.address().port}/`,
    said,
    room,
    say,
    message,
    feed: `
      const log = (${log_of})({ ...${JSON.stringify(plain)}, text: ${text}, over: ${over} });
      const send = WebSocket.prototype.send;
      window.fed = 0;
      WebSocket.prototype.send = function (data) {
        const frame = JSON.parse(data);
        if (frame.type !== "history") return send.call(this, data);
        window.fed++;
        const answer = JSON.stringify(log.page(frame, ${messages}));
        setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data: answer })), 5);
      };`,
    /** The next message of the log comes in. */
    post: (extra = {}) => say({ type: "new_message", ...message(room.count++), ...extra }),
    close: () => {
      sockets.forEach((one) => one.end());
      http.close();
    },
  };
}

/** A text frame of a server. */
function outgoing(text) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65536 ? 4 : 10);
  head[0] = 0x81;
  if (body.length < 126) head[1] = body.length;
  else if (body.length < 65536) [head[1]] = [126, head.writeUInt16BE(body.length, 2)];
  else [head[1]] = [127, head.writeBigUInt64BE(BigInt(body.length), 2)];
  return Buffer.concat([head, body]);
}

/** The first frame of a client in `bytes`; null if it is not whole yet. */
function incoming(bytes) {
  if (bytes.length < 6) return null;
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (length === 126) [length, at] = [bytes.readUInt16BE(2), 4];
  else if (length === 127)
    [length, at] = bytes.length < 10 ? [Infinity, 10] : [Number(bytes.readBigUInt64BE(2)), 10];
  const end = at + 4 + length;
  if (bytes.length < end) return null;
  const mask = bytes.subarray(at, at + 4);
  const body = Buffer.from(bytes.subarray(at + 4, end).map((byte, i) => byte ^ mask[i % 4]));
  return { opcode: bytes[0] & 0x0f, text: body.toString(), end };
}
