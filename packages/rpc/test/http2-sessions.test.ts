import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createSessions } from "../src/http2-sessions.ts";
import { openRelay } from "./relay.ts";

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

test("a server that dies while its connection is asked, and another call wants one, does not end the process", async () => {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay = await openRelay(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const pings = { pingIntervalMs: 100, pingTimeoutMs: 5_000 };
  const sessions = createSessions(`http://${relay.address}`, pings, {});
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => {
    process.off("uncaughtException", note);
    sessions.abort();
    relay.close();
    server.close();
  });
  const answered = await sessions.request("GET", "/", {}, {});
  const connection = answered.session!;
  answered.resume();
  await once(answered, "close");
  await delay(150); // by now the connection has to show that it lives
  relay.forget();
  const call = () =>
    sessions.request("GET", "/", {}, {}).then(
      () => "answered",
      () => "refused",
    );
  const asking = call();
  const during = new Promise((resolve) => connection.once("close", () => resolve(call())));
  await delay(50); // the ping is on its way
  expect(sessions.state()).toBe("verifying");
  relay.close();
  expect([await asking, await during]).toEqual(["refused", "refused"]);
  await delay(100);
  expect(uncaught).toEqual([]);
});

test("a connection that is forgotten while a call ends is given up, and the next call has another", async () => {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const relay = await openRelay(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const pings = { pingIntervalMs: 100, pingTimeoutMs: 200 };
  const sessions = createSessions(`http://${relay.address}`, pings, {});
  onTestFinished(() => {
    sessions.abort();
    relay.close();
    server.close();
  });
  const answered = async () => {
    const stream = await sessions.request("GET", "/", {}, {});
    stream.resume();
    await once(stream, "response");
    await once(stream, "close");
  };
  await answered();
  relay.forget();
  const unanswered = await sessions.request("GET", "/", {}, {});
  unanswered.on("error", () => {});
  await delay(150); // by now the connection has to show that it lives
  const next = sessions.connect();
  unanswered.close(constants.NGHTTP2_CANCEL); // its caller has a deadline
  const late = delay(3_000).then(() => "late");
  expect(await Promise.race([next, late])).not.toBe("late");
  await answered();
});
