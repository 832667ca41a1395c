import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createPacedAnswers } from "../src/paced-answers.ts";
import { createSendQueues } from "../src/send-queues.ts";

const messageBytes = 40_000;
const messages = 200;

/** Answers each request by messages, each made when the answer is paced so; counts them by connection. */
async function openServer(few: number, queues = createSendQueues()) {
  const host = "127.0.0.1";
  const paced = createPacedAnswers(queues, few);
  const made = new Map<number, number>();
  const waits = new Map<number, () => boolean>();
  async function answer(response: ServerResponse, port: number): Promise<void> {
    const pace = paced.follow(response, "application app_1");
    waits.set(port, pace.waits);
    const closed = once(response, "close");
    for (let count = 1; count <= messages && !response.closed; count++) {
      made.set(port, count);
      if (!response.write(Buffer.alloc(messageBytes))) await Promise.race([once(response, "drain"), closed]);
      await pace.sent(messageBytes);
    }
    response.end();
  }
  const server = createServer((request, response) => void answer(response, request.socket.remotePort!));
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return {
    async read(): Promise<{ readonly socket: Socket; made(): number; waits(): boolean; bytes(): number }> {
      const socket = connect(port, host);
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      socket.pause();
      await once(socket, "connect");
      socket.write("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
      const own = socket.localPort!;
      return {
        socket,
        made: () => made.get(own) ?? 0,
        waits: () => waits.get(own)?.() ?? false,
        bytes: () => bytes,
      };
    },
  };
}

// Elsewhere nobody says what the kernel holds, and an answer is as long as that takes it.
describe.runIf(process.platform === "linux")("an answer of many messages over HTTP/1.1", () => {
  test("is made as its reader takes it: a few messages for one that takes none, all for one that goes on", async () => {
    const { read } = await openServer(0);
    const reader = await read();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(true);
    // 128 KiB that the reader's kernel has acknowledged, 16 KiB more, and a message.
    expect(reader.made() * messageBytes).toBeLessThan(300_000);
    reader.socket.resume();
    await once(reader.socket, "close");
    expect(reader.bytes()).toBeGreaterThan(messages * messageBytes);
    expect(reader.waits()).toBe(false);
  });

  test("waits for nobody while few are open, and not for a reader beside one that takes nothing", async () => {
    const { read } = await openServer(1);
    const alone = await read();
    await expect.poll(alone.made, { timeout: 15_000 }).toBeGreaterThan(10);
    const beside = await read();
    beside.socket.resume();
    await once(beside.socket, "close");
    expect(beside.bytes()).toBeGreaterThan(messages * messageBytes);
  });

  test("is not paced where the system does not say what its kernel holds", async () => {
    const { read } = await openServer(0, { of: async () => undefined });
    const reader = await read();
    reader.socket.resume();
    const began = performance.now();
    await once(reader.socket, "close");
    expect(reader.bytes()).toBeGreaterThan(messages * messageBytes);
    // At the pace of those who have not shown that they read it would take eight.
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("is over for its maker when its reader leaves while it waits", async () => {
    const { read } = await openServer(0);
    const reader = await read();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(true);
    reader.socket.resetAndDestroy();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(false);
  });
});
