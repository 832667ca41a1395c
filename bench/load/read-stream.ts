/** Generator of P5: reads a server stream to its end and counts. */
import { serveProgram } from "../src/program.ts";
import { openRawClient, rawRead, type Target } from "../src/raw-client.ts";

const clients = new Map<string, ReturnType<typeof openRawClient>>();

async function* messagesOf({ target, path, request }: Order): AsyncGenerator<Buffer> {
  const client = clients.get(target.address) ?? openRawClient(target);
  clients.set(target.address, client);
  for await (const message of rawRead(client, path, request)) yield message as Buffer;
}

interface Order {
  readonly target: Target;
  readonly path: string;
  readonly request: Uint8Array;
}

const commands = {
  async read(order: Order) {
    const started = performance.now();
    let messages = 0;
    let bytes = 0;
    let last: Buffer = Buffer.alloc(0);
    for await (const message of messagesOf(order)) {
      messages += 1;
      bytes += message.length;
      last = message;
    }
    return { seconds: (performance.now() - started) / 1000, messages, bytes, last: new Uint8Array(last) };
  },
  /** The messages themselves, for the bound to send the same. */
  async collect(order: Order): Promise<Uint8Array[]> {
    const all: Uint8Array[] = [];
    for await (const message of messagesOf(order)) all.push(new Uint8Array(message));
    return all;
  },
};

export type ReadStreamLoad = typeof commands;
serveProgram(commands);
