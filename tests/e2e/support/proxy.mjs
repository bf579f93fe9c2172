// A proxy before a bridge, as offices have them: plain requests go through, WebSockets as it is told.

import { createServer, request } from "node:http";
import { connect } from "node:net";

/**
 * Opens a proxy to `address` ("host:port"). `sockets` says what becomes of a WebSocket: `pass`, `refuse` (403), `cut` (no
 * answer), or `mute` (the handshake is answered, and nothing gets through after it). `requests`: `pass`, or `refuse` all that
 * is not the page itself.
 */
export async function proxy(address) {
  const [host, port] = address.split(":");
  const open = new Set();
  const self = { sockets: "pass", requests: "pass", tried: 0 };
  const server = createServer((asked, answer) => {
    if (self.requests === "refuse" && /^\/(send|poll)/.test(asked.url)) {
      answer.writeHead(502).end();
      return;
    }
    const headers = { ...asked.headers, host: address };
    if (headers.origin) headers.origin = `http://${address}`;
    const passed = request({ host, port, method: asked.method, path: asked.url, headers }, (came) => {
      answer.writeHead(came.statusCode, came.headers);
      came.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  server.on("upgrade", (asked, socket, head) => {
    self.tried++;
    socket.on("error", () => {});
    if (self.sockets === "cut") return socket.destroy();
    if (self.sockets === "refuse") return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const other = connect(Number(port), host, () => {
      const headers = { ...asked.headers, host: address, origin: `http://${address}` };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      other.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      if (self.sockets === "mute") return;
      other.write(head);
      socket.pipe(other);
    });
    let answered = false;
    other.on("data", (bytes) => {
      if (self.sockets === "mute") {
        const end = answered ? 0 : bytes.indexOf("\r\n\r\n") + 4;
        bytes = bytes.subarray(0, end);
        answered = true;
      }
      if (bytes.length > 0) socket.write(bytes);
    });
    for (const [one, peer] of [[socket, other], [other, socket]]) {
      open.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        open.delete(one);
        peer.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(self, {
    address: `127.0.0.1:${server.address().port}`,
    /** Ends what is open. */
    cut: () => open.forEach((socket) => socket.destroy()),
    close: () => {
      server.close();
      server.closeAllConnections();
      open.forEach((socket) => socket.destroy());
    },
  });
}
