import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AnswerPlacesOptions } from "../src/answer-places.ts";
import { createPacedAnswers } from "../src/paced-answers.ts";
import { createSendQueues } from "../src/send-queues.ts";

const messageBytes = 40_000;
const messages = 200;
/** Every answer is paced. */
const all: AnswerPlacesOptions = { usual: 0 };

/** Answers each request by messages, each made when the answer is paced so; counts them by connection. Of `late` ones it makes none. */
async function openServer(places: AnswerPlacesOptions, queues = createSendQueues()) {
  const host = "127.0.0.1";
  const paced = createPacedAnswers(queues, places);
  const made = new Map<number, number>();
  const waits = new Map<number, () => boolean>();
  async function answer(response: ServerResponse, port: number, most: number): Promise<void> {
    const pace = paced.follow(response, "application app_1", { staysOpen: false });
    waits.set(port, pace.waits);
    const closed = once(response, "close");
    if ((await pace.begin()) === "late") return void response.end("late");
    for (let count = 1; count <= most && !response.closed; count++) {
      made.set(port, count);
      if (!response.write(Buffer.alloc(messageBytes))) await Promise.race([once(response, "drain"), closed]);
      await pace.sent(messageBytes);
    }
    response.end();
  }
  const server = createServer(
    ({ socket, url }, response) => void answer(response, socket.remotePort!, Number(url!.slice(1))),
  );
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return {
    async read(
      most = messages,
    ): Promise<{ readonly socket: Socket; made(): number; waits(): boolean; bytes(): number }> {
      const socket = connect(port, host);
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      socket.pause();
      await once(socket, "connect");
      socket.write(`GET /${most} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
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
    const { read } = await openServer(all);
    const reader = await read();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(true);
    // Up to 310 KB that the reader's kernel has acknowledged, 16 KiB more, and a message: of 8 MB.
    expect(reader.made() * messageBytes).toBeLessThan(400_000);
    reader.socket.resume();
    await once(reader.socket, "close");
    expect(reader.bytes()).toBeGreaterThan(messages * messageBytes);
    expect(reader.waits()).toBe(false);
  });

  test("waits for nobody while few are open, and not for a reader beside one that takes nothing", async () => {
    const { read } = await openServer({ usual: 1 });
    const alone = await read();
    await expect.poll(alone.made, { timeout: 15_000 }).toBeGreaterThan(10);
    const beside = await read();
    beside.socket.resume();
    await once(beside.socket, "close");
    expect(beside.bytes()).toBeGreaterThan(messages * messageBytes);
  });

  test("is not paced where the system does not say what its kernel holds", async () => {
    const { read } = await openServer(all, { of: async () => undefined });
    const reader = await read();
    reader.socket.resume();
    await once(reader.socket, "close");
    expect(reader.bytes()).toBeGreaterThan(messages * messageBytes);
  });

  test("is over for its maker when its reader leaves while it waits", async () => {
    const { read } = await openServer(all);
    const reader = await read();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(true);
    reader.socket.resetAndDestroy();
    await expect.poll(reader.waits, { timeout: 15_000 }).toBe(false);
  });

  test("waits unmade while its caller leaves as many unread as it may, and is made when one of them is over", async () => {
    const { read } = await openServer({ usual: 0, perCaller: 2 });
    const unread = [await read(), await read()];
    for (const { waits } of unread) await expect.poll(waits, { timeout: 15_000 }).toBe(true);
    const third = await read();
    third.socket.resume();
    await pause(100);
    expect(third.made()).toBe(0);
    unread[0]!.socket.resetAndDestroy();
    await once(third.socket, "close");
    expect(third.bytes()).toBeGreaterThan(messages * messageBytes);
    // Its reader's kernel may take a message more now and then: it waits again after it.
    await expect.poll(unread[1]!.waits, { timeout: 15_000 }).toBe(true);
    expect(unread[1]!.made()).toBeLessThan(messages / 2);
  });

  test("is made beside one of its caller that has shown that it is read, however many may be unread", async () => {
    const { read } = await openServer({ usual: 0, perCaller: 1 });
    const first = await read(100 * messages);
    first.socket.resume();
    await expect.poll(first.bytes, { timeout: 15_000 }).toBeGreaterThan(2_000_000);
    first.socket.pause();
    const second = await read();
    second.socket.resume();
    await once(second.socket, "close");
    expect(second.bytes()).toBeGreaterThan(messages * messageBytes);
    expect(first.socket.destroyed).toBe(false);
  });
});
