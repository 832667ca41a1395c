import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  decodeBinaryHeader,
  encodeBinaryHeader,
} from "@connectrpc/connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  type Caller,
  callerKey,
  type Problem,
  type ProblemCarrier,
  problemOf,
  type Route,
  requestIdKey,
  type route,
  serverInterceptors,
  toFailure,
  validateMessage,
} from "../src/index.ts";
import { createTrustingAuthentication } from "../src/testing.ts";
import { type Door, type DoorKind, doors } from "./doors.ts";

const application: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "door",
  token: "t",
};

class TestError extends Error implements ProblemCarrier {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
const watch = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };

/** Handlers are given as in a service; what a test doesn't need answers UNIMPLEMENTED. */
type Records = Partial<Parameters<typeof route<typeof RecordsService>>[1]>;
type Ingestion = Partial<Parameters<typeof route<typeof IngestionService>>[1]>;

let door: Door | undefined;

afterEach(async () => {
  await door?.close();
  door = undefined;
});

describe.each(doors)("$name", (kind: DoorKind) => {
  async function open(
    handlers: { records?: Records; ingestion?: Ingestion },
    options: { caller?: Caller; log?: typeof silentLogger; maximumTimeoutMs?: number } = {},
  ): Promise<{ records: Client<typeof RecordsService>; ingestion: Client<typeof IngestionService> }> {
    const routes: Route[] = [
      { service: RecordsService, implementation: handlers.records ?? {} },
      { service: IngestionService, implementation: handlers.ingestion ?? {} },
    ];
    door = await kind.open(
      routes,
      serverInterceptors({
        log: options.log ?? silentLogger,
        authentication: createTrustingAuthentication(options.caller ?? application),
        selfValidating: [IngestionService.method.streamSeries],
        ...(options.maximumTimeoutMs === undefined ? {} : { maximumTimeoutMs: options.maximumTimeoutMs }),
      }),
    );
    return {
      records: createClient(RecordsService, door.transport),
      ingestion: createClient(IngestionService, door.transport),
    };
  }

  async function failure(call: Promise<unknown>): Promise<ConnectError> {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConnectError);
    return error as ConnectError;
  }

  test("carries message, headers and trailers both ways, and names the caller", async () => {
    const { records } = await open({
      records: {
        getObservation(request, context) {
          expect(context.requestHeader.get("x-note")).toBe("one");
          expect(context.requestHeader.get("x-note-bin")).toBe(encodeBinaryHeader(new Uint8Array([255, 0])));
          context.responseHeader.set("x-answer", "two");
          context.responseHeader.set("x-answer-bin", encodeBinaryHeader(new Uint8Array([0, 254])));
          context.responseTrailer.set("x-end", "three");
          return { access: `${context.values.get(callerKey).principal.id} ${request.patient} ünï→✓` };
        },
      },
    });
    const seen: Record<string, string | null> = {};
    const response = await records.getObservation(
      { ...observation, patient: "pat_ß" },
      {
        headers: { "x-note": "one", "x-note-bin": encodeBinaryHeader(new Uint8Array([255, 0])) },
        onHeader: (header) => {
          seen.answer = header.get("x-answer");
          seen.bin = decodeBinaryHeader(header.get("x-answer-bin")!).join();
          seen.requestId = header.get("x-request-id");
        },
        onTrailer: (trailer) => {
          seen.end = trailer.get("x-end");
        },
      },
    );
    expect(response.access).toBe("app_1 pat_ß ünï→✓");
    expect(seen).toMatchObject({
      answer: "two",
      bin: "0,254",
      end: "three",
    });
    expect(seen.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("keeps a sensible request id and replaces one that isn't", async () => {
    const { records } = await open({
      records: { getObservation: (_request, context) => ({ access: context.values.get(requestIdKey) }) },
    });
    const given = await records.getObservation(observation, { headers: { "x-request-id": "abc-12345" } });
    expect(given.access).toBe("abc-12345");
    const replaced = await records.getObservation(observation, { headers: { "x-request-id": "not an id" } });
    expect(replaced.access).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a problem arrives whole: code, reason, message, violations, delay", async () => {
    const problem: Problem = {
      code: Code.Unavailable,
      reason: "UNDECIDED",
      message: "noch nicht entschieden → später",
      violations: [{ field: "series[2].times", description: "zu früh ☂", reason: "TIME_TOO_EARLY" }],
      retryAfterMs: 1_500,
    };
    const { records } = await open({
      records: {
        getObservation() {
          throw new TestError(problem);
        },
      },
    });
    const error = await failure(records.getObservation(observation));
    expect(problemOf(error)).toEqual(problem);
    expect(error.findDetails(ErrorInfoSchema)).toHaveLength(1);
  });

  test("an unexpected error says nothing to the caller and is logged once", async () => {
    const error = vi.fn();
    const { records } = await open(
      {
        records: {
          getObservation() {
            throw new TypeError("CANARY 98.6");
          },
        },
      },
      { log: { ...silentLogger, error } },
    );
    const received = await failure(records.getObservation(observation));
    expect(problemOf(received)).toEqual({
      code: Code.Internal,
      reason: "INTERNAL",
      message: "internal error",
    });
    expect(String(received.cause)).not.toContain("CANARY");
    expect(error).toHaveBeenCalledOnce();
    expect(error.mock.calls[0]![0]).toMatchObject({
      err: expect.objectContaining({ message: "CANARY 98.6" }),
      request_id: received.metadata.get("x-request-id"),
    });
  });

  test("an unavailable store is UNAVAILABLE with a delay, without its message", async () => {
    const { records } = await open({
      records: {
        getObservation() {
          const error = Object.assign(new Error("disk CANARY"), { code: "unavailable" });
          error.name = "StoreError";
          throw error;
        },
      },
    });
    const problem = problemOf(await failure(records.getObservation(observation)));
    expect(problem).toMatchObject({
      code: Code.Unavailable,
      reason: "STORE_UNAVAILABLE",
      retryAfterMs: 1_000,
    });
    expect(problem.message).not.toContain("CANARY");
  });

  test("breaking the contract's rules names each field", async () => {
    const { records } = await open({ records: { getObservation: () => ({}) } });
    const problem = problemOf(await failure(records.getObservation({ observation: "obs_1" })));
    expect(problem).toMatchObject({ code: Code.InvalidArgument, reason: "INVALID_FIELD" });
    expect(problem.violations?.map(({ field }) => field)).toEqual(["patient", "purpose"]);
    expect(problem.violations?.[0]?.reason).toBe("STRING_MIN_LEN");
  });

  test("a stream's request is checked as well", async () => {
    const { records } = await open({
      records: {
        async *watchSeries() {
          yield {};
        },
      },
    });
    const error = await failure(Array.fromAsync(records.watchSeries({ patient: "pat_1" })));
    expect(problemOf(error).reason).toBe("INVALID_FIELD");
  });

  test("callers whom the contract doesn't name are refused", async () => {
    const { ingestion } = await open(
      { ingestion: { createSeries: () => ({}) } },
      { caller: { ...application, principal: { kind: "patient", id: "pat_1", partition: "local/pat_1" } } },
    );
    expect(problemOf(await failure(ingestion.createSeries({})))).toMatchObject({
      code: Code.PermissionDenied,
      reason: "CALLER_NOT_PERMITTED",
    });
  });

  test("the client's deadline ends the call and tells the handler", async () => {
    const aborted: Promise<unknown>[] = [];
    const { records } = await open({
      records: {
        getObservation(_request, { signal, timeoutMs }) {
          expect(timeoutMs()).toBeLessThanOrEqual(100);
          aborted.push(signal.aborted ? Promise.resolve() : once(signal, "abort"));
          return new Promise(() => {}); // never by itself
        },
      },
    });
    // On a machine that stalls the time may be over before the handler is reached.
    while (aborted.length === 0) {
      const error = await failure(records.getObservation(observation, { timeoutMs: 100 }));
      expect(error.code).toBe(Code.DeadlineExceeded);
    }
    await Promise.all(aborted);
  });

  test("a deadline of weeks does not end the call at once", async () => {
    const { records } = await open({ records: { getObservation: () => ({ access: "in time" }) } });
    const timeoutMs = 24 * 86_400_000; // beyond 24.8 days grpc-js itself ends the call: STACK.md
    expect((await records.getObservation(observation, { timeoutMs })).access).toBe("in time");
  });

  test("the server's own maximum ends a call without a deadline", async () => {
    const { records } = await open(
      { records: { getObservation: () => new Promise(() => {}) } },
      { maximumTimeoutMs: 50 },
    );
    const problem = problemOf(await failure(records.getObservation(observation)));
    expect(problem).toMatchObject({ code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED" });
    expect(problem.message).toContain("50 ms");
  });

  test("a stream delivers in order and ends with the handler's error", async () => {
    const { records } = await open({
      records: {
        async *watchSeries() {
          for (let number = 1; number <= 100; number++) {
            yield { payload: { case: "retraction" as const, value: { batch: `bat_${number}` } } };
          }
          throw new TestError({ code: Code.PermissionDenied, reason: "CONSENT_REVOKED", message: "revoked" });
        },
      },
    });
    const received: string[] = [];
    const error = await failure(
      (async () => {
        for await (const { payload } of records.watchSeries(watch)) {
          if (payload.case === "retraction") received.push(payload.value.batch);
        }
      })(),
    );
    expect(received).toEqual(Array.from({ length: 100 }, (_, index) => `bat_${index + 1}`));
    expect(problemOf(error)).toMatchObject({ code: Code.PermissionDenied, reason: "CONSENT_REVOKED" });
  });

  test("cancelling in mid-stream ends the handler", async () => {
    const ended = Promise.withResolvers<string>();
    const { records } = await open({
      records: {
        async *watchSeries(_request, context) {
          try {
            yield { payload: { case: "start" as const, value: { access: "acc_1" } } };
            await new Promise((_resolve, reject) => {
              context.signal.addEventListener("abort", () => reject(context.signal.reason));
            });
          } finally {
            ended.resolve("ended");
          }
        },
      },
    });
    const cancel = new AbortController();
    const error = await failure(
      (async () => {
        for await (const _message of records.watchSeries(watch, { signal: cancel.signal })) cancel.abort();
      })(),
    );
    expect(error.code).toBe(Code.Canceled);
    expect(await ended.promise).toBe("ended");
  });

  test("a reader that stops reading stops the handler", async () => {
    let sent = 0;
    const total = 4_000;
    const bulk = randomBytes(49_152).toString("base64"); // does not compress
    const { records } = await open({
      records: {
        async *watchSeries() {
          for (; sent < total; sent++) {
            yield { payload: { case: "start" as const, value: { access: bulk } } };
          }
        },
      },
    });
    const cancel = new AbortController();
    const iterator = records.watchSeries(watch, { signal: cancel.signal })[Symbol.asyncIterator]();
    await iterator.next();
    let before = -1;
    await vi.waitFor(
      () => {
        const still = sent === before;
        before = sent;
        expect(still).toBe(true); // nothing moved since the last look
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(sent).toBeLessThan(400); // 26 MB of 262: what sockets and HTTP/2 windows hold
    cancel.abort();
    await failure(iterator.next());
  });

  test.runIf(kind.limited)("a request over 1 MiB is refused", async () => {
    const { ingestion } = await open({ ingestion: { createSeries: () => ({}) } });
    const error = await failure(
      ingestion.createSeries({ batch: { requestId: "r", patient: "p", timeZone: "x".repeat(1_100_000) } }),
    );
    expect(error.code).toBe(Code.ResourceExhausted);
  });

  test.runIf(kind.bidi)(
    "a bidirectional stream answers as it goes; a bad message costs only itself",
    async () => {
      const { ingestion } = await open({
        ingestion: {
          async *streamSeries(requests) {
            for await (const request of requests) {
              const problem = validateMessage(IngestionService.method.streamSeries.input, request);
              const requestId = request.batch?.requestId ?? "";
              yield problem === undefined
                ? { requestId, result: { case: "receipt" as const, value: {} } }
                : { requestId, result: { case: "failure" as const, value: toFailure(problem) } };
            }
          },
        },
      });
      const answered: string[] = [];
      const next = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* requests() {
        yield { batch: { requestId: "bad id", patient: "p", series: [{}] } };
        await next[0]!.promise; // the answer comes before the next request is sent
        yield { batch: { requestId: "two", patient: "p", series: [{ code: { code: "8867-4" } }] } };
        await next[1]!.promise;
      }
      for await (const { requestId, result } of ingestion.streamSeries(requests())) {
        const reason = result.case === "failure" ? result.value.reason : result.case;
        next[answered.length]?.resolve();
        answered.push(`${requestId}: ${reason}`);
      }
      expect(answered[0]).toBe("bad id: INVALID_FIELD");
      expect(answered).toHaveLength(2);
    },
  );

  test.runIf(kind.bidi)("cancelling ends a handler that waits for requests", async () => {
    const outcome = Promise.withResolvers<string>();
    const { ingestion } = await open({
      ingestion: {
        async *streamSeries(requests) {
          try {
            for await (const { batch } of requests) {
              yield { requestId: batch?.requestId ?? "", result: { case: "receipt" as const, value: {} } };
            }
            outcome.resolve("looked complete");
          } catch (error) {
            outcome.resolve(error instanceof ConnectError ? Code[error.code]! : String(error));
            throw error;
          }
        },
      },
    });
    const cancel = new AbortController();
    async function* requests() {
      yield { batch: { requestId: "one", patient: "p", series: [{ code: { code: "8867-4" } }] } };
      setImmediate(() => cancel.abort());
      await new Promise(() => {});
    }
    await failure(Array.fromAsync(ingestion.streamSeries(requests(), { signal: cancel.signal })));
    // Node's client ends the request stream before it resets it: on the wire, either may be seen (STACK.md).
    expect(["Canceled", "looked complete", "AbortError: This operation was aborted"]).toContain(
      await outcome.promise,
    );
  });
});
