import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP relay before a server, for one connection at a time: it counts what the server sends, and can stop taking it. */
export interface StallingRelay {
  readonly port: number;
  /** Bytes that the server has sent and the relay has taken. */
  bytes(): number;
  /** Takes nothing more: the kernels' buffers fill. */
  stall(): void;
  stalled(): boolean;
  resume(): void;
  /** How the server ended its connection: `reset`, `end`, or undefined while it is open. */
  ended(): "reset" | "end" | undefined;
  close(): void;
}

/** `stallAfter`: so many bytes, before the receiver's kernel has made its buffer larger; never unless given. */
export async function openStallingRelay(
  port: number,
  { stallAfter = Number.POSITIVE_INFINITY }: { readonly stallAfter?: number } = {},
): Promise<StallingRelay> {
  let bytes = 0;
  let ended: "reset" | "end" | undefined;
  let upstream: Socket | undefined;
  let stalled = false;
  let released = false;
  const clients = new Set<Socket>();
  const relay = createServer((client) => {
    clients.add(client);
    const up = connect(port, "127.0.0.1");
    upstream = up;
    if (stalled) up.pause();
    client.on("data", (chunk) => void up.write(chunk));
    client.on("error", () => up.destroy());
    client.on("close", () => up.destroy());
    up.on("data", (chunk) => {
      bytes += chunk.length;
      client.write(chunk);
      if (bytes < stallAfter || released) return;
      stalled = true;
      up.pause();
    });
    up.on("error", () => {
      ended = "reset";
      client.destroy();
    });
    up.on("end", () => {
      ended ??= "end";
      client.end();
    });
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  return {
    port: (relay.address() as AddressInfo).port,
    bytes: () => bytes,
    stall() {
      stalled = true;
      upstream?.pause();
    },
    stalled: () => stalled,
    resume() {
      stalled = false;
      released = true;
      upstream?.resume();
    },
    ended: () => ended,
    close() {
      relay.close();
      for (const client of clients) client.destroy();
    },
  };
}
