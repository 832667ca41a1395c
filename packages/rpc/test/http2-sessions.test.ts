import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createSessions } from "@wellapi/grpc-client";
import { expect, onTestFinished, test } from "vitest";
import { openRelay } from "./relay.ts";

/** Answers every call. */
async function openServer() {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Connections to such a server that are asked by pings. */
async function openBehindRelay(pings: Parameters<typeof createSessions>[1]) {
  const { address } = await openServer();
  const relay = await openRelay(address);
  const sessions = createSessions(`http://${relay.address}`, pings, {});
  onTestFinished(() => {
    sessions.abort();
    relay.close();
  });
  return { relay, sessions };
}

/** What would have ended the process, from now on. */
function noteUncaught(): readonly unknown[] {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  return uncaught;
}

test("a server that says goodbye while a call wants its connection does not end the process", async () => {
  const { server, address } = await openServer();
  const connections: ServerHttp2Session[] = [];
  server.on("session", (session) => connections.push(session));
  const sessions = createSessions(`http://${address}`, {}, {});
  onTestFinished(() => sessions.abort());
  const get = async () => {
    const stream = await sessions.request("GET", "/", {}, {});
    const { session } = stream;
    stream.resume();
    await once(stream, "close");
    return session!;
  };
  const connection = await get();
  const uncaught = noteUncaught();
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
});

test("a server that dies while its connection is asked, and another call wants one, does not end the process", async () => {
  const { relay, sessions } = await openBehindRelay({ pingIntervalMs: 100, pingTimeoutMs: 5_000 });
  const uncaught = noteUncaught();
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
  const { relay, sessions } = await openBehindRelay({ pingIntervalMs: 100, pingTimeoutMs: 200 });
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
  const late = delay(15_000).then(() => "late");
  expect(await Promise.race([next, late])).not.toBe("late");
  await answered();
});
