import { once } from "node:events";
import { Readable } from "node:stream";
import { anonymous } from "@wellapi/rpc";
import { createTrustingAuthentication } from "@wellapi/rpc/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type HttpReply, requestOverOf, type Surface } from "../src/index.ts";
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
