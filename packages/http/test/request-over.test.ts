import { once } from "node:events";
import { Readable } from "node:stream";
import { anonymous } from "@wellapi/rpc";
import { createTrustingAuthentication } from "@wellapi/rpc/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { createRequestEnds, type HttpReply, requestOverOf, type Surface } from "../src/index.ts";
import { openTestSurface } from "../src/testing.ts";
import { createGate, leaveAt } from "./leaving.ts";

async function open(answer: (reply: HttpReply) => unknown): Promise<string> {
  const surface: Surface = {
    name: "things",
    paths: ["/things"],
    methods: ["GET"],
    mount(app) {
      app.get("/things", (_request, reply) => answer(reply));
    },
  };
  const { url, close } = await openTestSurface(surface, {
    routes: [],
    authentication: createTrustingAuthentication({ ...anonymous, workload: "gateway" }),
    server: { health: true },
  });
  onTestFinished(() => close());
  return url;
}

describe("a caller who left before anybody listened for it", () => {
  const request = "GET /things HTTP/1.1\r\nhost: localhost\r\n\r\n";

  test("is known to have left at once", async () => {
    const gate = createGate();
    const gone = Promise.withResolvers<boolean>();
    const url = await open(async (reply) => {
      await gate.pass();
      gone.resolve(requestOverOf(reply).aborted);
      return "late";
    });
    await leaveAt(gate, url, request);
    expect(await gone.promise).toBe(true);
  });

  test("costs no stream: what nobody reads is ended", async () => {
    const gate = createGate();
    const stream = new Readable({ read() {} });
    const closed = once(stream, "close");
    const url = await open(async (reply) => {
      await gate.pass();
      return reply.send(stream);
    });
    await leaveAt(gate, url, request);
    await closed;
  });
});

test("a request is not over while its answer is made, and is when it is written", async () => {
  const signals: AbortSignal[] = [];
  const url = await open(async (reply) => {
    signals.push(requestOverOf(reply));
    await new Promise(setImmediate);
    return { over: signals[0]!.aborted };
  });
  expect(await (await fetch(`${url}/things`)).json()).toEqual({ over: false });
  await expect.poll(() => signals[0]!.aborted).toBe(true);
});

test("the requests of a surface are over when they are answered, and all when the server has waited long enough", async () => {
  const shutdown = new AbortController();
  const endOf = createRequestEnds(shutdown.signal);
  const gate = createGate();
  const ends: AbortSignal[] = [];
  const url = await open(async (reply) => {
    ends.push(endOf(reply).signal);
    if (ends.length === 2) await gate.pass();
    return ends.map(({ aborted }) => aborted);
  });
  expect(await (await fetch(`${url}/things`)).json()).toEqual([false]);
  await expect.poll(() => ends[0]!.reason).toMatchObject({ message: "[canceled] the request is over" });
  const late = fetch(`${url}/things`);
  await gate.reached;
  shutdown.abort(new Error("the server is stopping"));
  expect(ends[1]!.reason).toMatchObject({ message: "the server is stopping" });
  gate.open();
  expect(await (await late).json()).toEqual([true, true]);
  await fetch(`${url}/things`);
  expect(ends[2]!.reason).toMatchObject({ message: "the server is stopping" });
});
