import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** An address in front of another. It counts what comes back, which tells how many calls went this way. */
export interface Relay {
  readonly bytes: number;
  /** Ends its connections and takes no more. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function openRelay(host: string, port: number, upstream: string): Promise<Relay> {
  const [name, upstreamPort] = upstream.split(":") as [string, string];
  const sockets = new Set<Socket>();
  let bytes = 0;
  let server: Server;
  async function open(): Promise<void> {
    server = createServer((client) => {
      const onward = connect(Number(upstreamPort), name);
      onward.on("data", (chunk) => {
        bytes += chunk.length;
      });
      for (const socket of [client, onward]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          sockets.delete(socket);
          client.destroy();
          onward.destroy();
        });
      }
      client.pipe(onward).pipe(client);
    });
    await once(server.listen(port, host), "listening");
  }
  await open();
  return {
    get bytes() {
      return bytes;
    },
    async close() {
      const closed = once(server.close(), "close");
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    open,
  };
}
