import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  type Caller,
  createMemoryTransport,
  openGrpcServer,
  openGrpcTransport,
  problemError,
  problemOf,
  serverInterceptors,
} from "@wellapi/rpc";
import { createTrustingAuthentication, partialRoute } from "@wellapi/rpc/testing";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { forwardingRoute } from "../src/index.ts";

const application: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "gateway",
  token: "internal",
};
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type StreamSeries = NonNullable<Parameters<typeof partialRoute<typeof IngestionService>>[1]["streamSeries"]>;

/** A gRPC door on plain text that forwards to a stub of ingestion. */
async function open(streamSeries: StreamSeries) {
  const interceptors = serverInterceptors({
    log: silentLogger,
    authentication: createTrustingAuthentication(application),
    selfValidating: [IngestionService.method.streamSeries],
  });
  const upstream = createMemoryTransport({
    workload: "gateway",
    routes: [partialRoute(IngestionService, { streamSeries })],
    interceptors,
  });
  const server = await openGrpcServer({
    routes: [forwardingRoute(IngestionService, upstream, "http2")],
    interceptors,
    host: "127.0.0.1",
    port: 0,
    peers: () => "door",
    reflection: false,
    log: silentLogger,
  });
  closing.push(() => server.close());
  const client = openGrpcTransport({ address: `localhost:${server.port}` });
  closing.push(client.close);
  return createClient(IngestionService, client.transport);
}

const batch = (requestId: string) => ({ batch: { requestId } });

describe("a stream that goes both ways, through the gRPC door", () => {
  test("each message is answered while the stream is open", async () => {
    const client = await open(async function* (requests) {
      for await (const request of requests) yield { requestId: request.batch!.requestId };
    });
    let answered: (id: string) => void = () => {};
    const requests = (async function* () {
      for (const id of ["one", "two", "three"]) {
        const answer = new Promise<string>((resolve) => {
          answered = resolve;
        });
        yield batch(id);
        // The next is not sent before this one's answer has come all the way.
        expect(await answer).toBe(id);
      }
    })();
    const seen: string[] = [];
    for await (const { requestId } of client.streamSeries(requests)) {
      seen.push(requestId);
      answered(requestId);
    }
    expect(seen).toEqual(["one", "two", "three"]);
  });

  test("a service that does not read holds its caller up", async () => {
    const held = Promise.withResolvers<void>();
    const client = await open(async function* (requests) {
      const iterator = requests[Symbol.asyncIterator]();
      yield { requestId: (await iterator.next()).value!.batch!.requestId };
      await held.promise;
      let rest = 0;
      while (!(await iterator.next()).done) rest++;
      yield { requestId: String(rest) };
    });
    let sent = 0;
    const total = 400;
    const requests = (async function* () {
      for (; sent < total; sent++) yield batch("x".repeat(64_000));
    })();
    const answers = client.streamSeries(requests)[Symbol.asyncIterator]();
    await answers.next();
    // The windows on the way fill up, and then nothing more is taken.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(total / 2);
    held.resolve();
    expect((await answers.next()).value!.requestId).toBe(String(total - 1));
  });

  test("an error of the service comes with its reason", async () => {
    const client = await open(async function* () {
      yield { requestId: "one" };
      throw problemError({ code: Code.PermissionDenied, reason: "CONSENT_REVOKED", message: "over" });
    });
    const answers = client
      .streamSeries(
        (async function* () {
          yield batch("one");
          await new Promise(() => {});
        })(),
      )
      [Symbol.asyncIterator]();
    await answers.next();
    const error = await answers.next().catch((thrown: unknown) => ConnectError.from(thrown));
    expect(problemOf(error as ConnectError).reason).toBe("CONSENT_REVOKED");
  });

  test("a caller that goes away cancels the call at the service", async () => {
    const cancelled = Promise.withResolvers<void>();
    const client = await open(async function* (_requests, context) {
      context.signal.addEventListener("abort", () => cancelled.resolve());
      yield { requestId: "one" };
      await cancelled.promise;
    });
    const controller = new AbortController();
    const requests = (async function* () {
      yield batch("one");
      await new Promise(() => {});
    })();
    const answers = client.streamSeries(requests, { signal: controller.signal })[Symbol.asyncIterator]();
    await answers.next();
    controller.abort();
    await cancelled.promise;
  });
});
