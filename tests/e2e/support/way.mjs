// A way to a program that can go silent: what was connected stays so and carries nothing more, and nobody is
// told; who connects anew gets through.

import { connect, createServer } from "node:net";

/** Opens a way to `address` ("host:port"); `silence` ends all that goes over it, without a word. */
export async function way(address) {
  const [host, port] = address.split(":");
  const carried = new Set();
  const server = createServer((one) => {
    const other = connect(Number(port), host);
    const pair = { one, other, silent: false };
    carried.add(pair);
    const pass = (from, to) => {
      from.on("data", (bytes) => pair.silent || to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        carried.delete(pair);
        if (!pair.silent) to.destroy();
      });
    };
    pass(one, other);
    pass(other, one);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    silence: () => carried.forEach((pair) => (pair.silent = true)),
    close: () => {
      server.close();
      for (const { one, other } of carried) [one, other].forEach((socket) => socket.destroy());
    },
  };
}
