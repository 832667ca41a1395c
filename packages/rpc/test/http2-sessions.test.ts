import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createSessions } from "../src/http2-sessions.ts";

test("a server that says goodbye while a call wants its connection does not end the process", async () => {
  const server = createServer();
  const connections: ServerHttp2Session[] = [];
  server.on("session", (session) => connections.push(session));
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sessions = createSessions(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, {});
  const get = async () => {
    const stream = await sessions.request("GET", "/", {}, {});
    const { session } = stream;
    stream.resume();
    await once(stream, "close");
    return session!;
  };
  const connection = await get();
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  try {
    // The manager destroys it first; it has not closed yet when the next call looks for it.
    const next = new Promise<string>((resolve) => {
      connection.once("goaway", () => resolve(sessions.connect()));
    });
    const closed = new Promise((resolve) => connection.once("close", resolve));
    connections[0]!.goaway();
    expect(await next).toBe("idle");
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([]);
    await get();
  } finally {
    process.off("uncaughtException", note);
    sessions.abort();
    server.close();
  }
});
