import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Passes connections on, and can forget those that are open: both ends keep theirs and hear nothing any more. */
export interface Relay {
  readonly address: string;
  /** As a firewall that was restarted, or a machine that lost its power. New connections are passed on. */
  forget(): void;
  close(): void;
}

export async function openRelay(upstream: string): Promise<Relay> {
  const [host, port] = upstream.split(":") as [string, string];
  const live = new Set<readonly [Socket, Socket]>();
  const all = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    const pair = [near, far] as const;
    live.add(pair);
    for (const [one, other] of [pair, [far, near] as const]) {
      all.add(one);
      one.setNoDelay(true);
      one.pipe(other);
      one.on("error", () => {});
      one.once("close", () => {
        all.delete(one);
        // Whether its other end hears of it is what was forgotten.
        if (live.delete(pair)) other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    forget() {
      for (const [near, far] of live) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
      live.clear();
    },
    close() {
      server.close();
      for (const socket of all) socket.destroy();
    },
  };
}
