import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { deserialize } from "bson";

/**
 * What a proxy does with one command on its way, or with the answer to it. `cut after`: the server does it, nobody
 * is told. A function runs at that moment.
 */
export type Fate = "pass" | "cut before" | "cut after" | (() => Promise<void>);

export interface MongoProxy {
  readonly uri: string;
  /** Asked once a command, in the order in which they arrive. */
  decide: (command: Readonly<Record<string, unknown>>) => Fate;
  close(): Promise<void>;
}

const OP_MSG = 2013;

/** Stands between the driver and its server, and cuts connections at chosen commands. */
export async function openMongoProxy(uri: string): Promise<MongoProxy> {
  const target = new URL(uri);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 27017), target.hostname);
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", cut).on("close", cut);
      socket.on("close", () => sockets.delete(socket));
    }
    let atAnswer: (() => Promise<void>) | undefined;
    client.on(
      "data",
      splitMessages((message) => {
        const fate = proxy.decide(commandOf(message));
        if (fate === "cut before") return cut();
        if (fate === "pass") atAnswer = undefined;
        else atAnswer = fate === "cut after" ? () => Promise.resolve() : fate;
        upstream.write(message);
      }),
    );
    upstream.on(
      "data",
      splitMessages((message) => {
        if (atAnswer) atAnswer().finally(cut);
        else client.write(message);
      }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const through = new URL(uri);
  through.host = `127.0.0.1:${address.port}`;
  // Else the driver would ask the replica set for its members and go to them itself.
  through.searchParams.delete("replicaSet");
  through.searchParams.set("directConnection", "true");
  const proxy: MongoProxy = {
    uri: through.href,
    decide: () => "pass",
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  return proxy;
}

/** https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/: the first four bytes are the length. */
function splitMessages(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let buffered: Buffer = Buffer.alloc(0);
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 4 && buffered.length >= buffered.readInt32LE(0)) {
      const length = buffered.readInt32LE(0);
      take(buffered.subarray(0, length));
      buffered = buffered.subarray(length);
    }
  };
}

/** The body of an OP_MSG; the driver sends no other section. The handshake may come as the older OP_QUERY. */
function commandOf(message: Buffer): Record<string, unknown> {
  if (message.readInt32LE(12) !== OP_MSG) return {};
  const size = message.readInt32LE(21);
  return deserialize(message.subarray(21, 21 + size));
}
