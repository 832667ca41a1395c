import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Below the ports that Linux and macOS assign by themselves, so that no other connection takes one of these
 * meanwhile.
 */
const lowest = 10_000;
const beyond = 32_768;
const triesAPort = 50;

/** Ports of loopback that nobody listens on now. Throws the last refusal where none can be had. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Map<number, Server>();
  let refused: unknown;
  try {
    for (let tries = 0; ports.size < count; tries += 1) {
      if (tries >= count * triesAPort) throw refused;
      const port = randomInt(lowest, beyond);
      if (ports.has(port)) continue;
      const server = createServer().listen(port, "127.0.0.1");
      try {
        await once(server, "listening");
        ports.set(port, server);
      } catch (error) {
        refused = error;
      }
    }
    return [...ports.keys()];
  } finally {
    await Promise.all([...ports.values()].map((server) => once(server.close(), "close")));
  }
}
