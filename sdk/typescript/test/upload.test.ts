import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { ObservationBatchSchema, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  IngestionService,
  type StreamObservationsRequest,
  StreamObservationsResponseSchema,
  type StreamSeriesRequest,
  StreamSeriesResponseSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { problemError } from "@wellapi/grpc-client";
import { describe, expect, test } from "vitest";
import { openProgressFile, uploadObservations, uploadSeries, WellApiError } from "../src/index.ts";

const batch = (requestId: string) => create(SeriesBatchSchema, { requestId });

test("a batch that the source gives only after its stream was cut goes with the next stream", async () => {
  const asked = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  let streams = 0;
  // As a client over the wire: a cut ends the answers, whatever the requests wait for.
  async function* streamSeries(requests: AsyncIterable<StreamSeriesRequest>) {
    streams += 1;
    if (streams === 1) {
      void requests[Symbol.asyncIterator]().next();
      await asked.promise;
      throw new ConnectError("cut", Code.Unavailable);
    }
    const next = requests[Symbol.asyncIterator]();
    const first = next.next();
    given.resolve();
    for (let { value, done } = await first; !done; { value, done } = await next.next()) {
      const { requestId } = (value as StreamSeriesRequest).batch!;
      yield create(StreamSeriesResponseSchema, { requestId, result: { case: "receipt", value: {} } });
    }
  }
  async function* slow() {
    asked.resolve();
    await given.promise;
    yield batch("one");
    yield batch("two");
  }
  const answered: string[] = [];
  await uploadSeries({ streamSeries } as unknown as Client<typeof IngestionService>, slow(), {
    window: 1,
    attempts: 3,
    onAnswer: ({ requestId }) => void answered.push(requestId),
    onCut: () => {},
  });
  expect(answered).toEqual(["one", "two"]);
  expect(streams).toBe(2);
});

test("a stream whose server was killed, which is told as CANCELED, is opened again", async () => {
  let streams = 0;
  async function* streamSeries(requests: AsyncIterable<StreamSeriesRequest>) {
    streams += 1;
    if (streams === 1) throw new ConnectError("http/2 stream closed with CANCEL", Code.Canceled);
    for await (const { batch: sent } of requests) {
      const { requestId } = sent!;
      yield create(StreamSeriesResponseSchema, { requestId, result: { case: "receipt", value: {} } });
    }
  }
  async function* one() {
    yield batch("one");
  }
  const answered: string[] = [];
  await uploadSeries({ streamSeries } as unknown as Client<typeof IngestionService>, one(), {
    window: 1,
    attempts: 3,
    onAnswer: ({ requestId }) => void answered.push(requestId),
    onCut: () => {},
  });
  expect(answered).toEqual(["one"]);
});

type Result = MessageInitShape<typeof StreamSeriesResponseSchema>["result"];

/** A server that answers each batch by what `judge` says of its request id and of how often it came. */
function serverOf(judge: (requestId: string, times: number) => Result | Error) {
  const received: string[] = [];
  let streams = 0;
  async function* streamSeries(requests: AsyncIterable<StreamSeriesRequest>) {
    streams += 1;
    for await (const { batch: sent } of requests) {
      const { requestId } = sent!;
      received.push(requestId);
      const result = judge(requestId, received.filter((one) => one === requestId).length);
      if (result instanceof Error) throw result;
      yield create(StreamSeriesResponseSchema, { requestId, ...(result === undefined ? {} : { result }) });
    }
  }
  return {
    client: { streamSeries } as unknown as Client<typeof IngestionService>,
    received,
    streams: () => streams,
  };
}

const stored: Result = { case: "receipt", value: { batch: "bat_1" } };
const failureOf = (retryAfterMs: number): Result => ({
  case: "failure",
  value: { code: Code.Unavailable, reason: "UNDECIDED", message: "later", retryAfterMs },
});

async function* batches(...ids: string[]) {
  for (const id of ids) yield batch(id);
}

describe("an upload", () => {
  test("sends a batch that failed for now again, not before the server's delay", async () => {
    const { client, received, streams } = serverOf((id, times) =>
      id === "two" && times === 1 ? failureOf(900) : stored,
    );
    const answered: string[] = [];
    const cuts: unknown[] = [];
    const began = performance.now();
    await uploadSeries(client, batches("one", "two"), {
      onAnswer: ({ requestId }) => void answered.push(requestId),
      onCut: ({ reason, retryAfterMs }, attempt) => void cuts.push([reason, retryAfterMs, attempt]),
    });
    expect(performance.now() - began).toBeGreaterThan(890);
    expect(received).toEqual(["one", "two", "two"]);
    expect(answered).toEqual(["one", "two"]);
    expect(cuts).toEqual([["UNDECIDED", 900, 1]]);
    expect(streams()).toBe(2);
  });

  test("hands a final failure of a batch to the caller and goes on", async () => {
    const { client } = serverOf((id) => (id === "one" ? failureOf(0) : stored));
    const answers: unknown[] = [];
    await uploadSeries(client, batches("one", "two"), {
      onAnswer: ({ requestId }, answer) => void answers.push([requestId, Object.keys(answer)]),
    });
    expect(answers).toEqual([
      ["one", ["failure"]],
      ["two", ["receipt"]],
    ]);
  });

  test("ends at once where the server refuses the stream, with the typed error, and leaves its source", async () => {
    const refusal = problemError({ code: Code.PermissionDenied, reason: "CONSENT_REQUIRED", message: "no" });
    const { client, streams } = serverOf(() => refusal);
    let left = false;
    async function* source() {
      try {
        for (;;) yield batch("one");
      } finally {
        left = true;
      }
    }
    const error: unknown = await uploadSeries(client, source()).catch((thrown: unknown) => thrown);
    expect(error instanceof WellApiError).toBe(true);
    expect(error).toMatchObject({ reason: "CONSENT_REQUIRED" });
    expect(streams()).toBe(1);
    await expect.poll(() => left).toBe(true);
  });

  test("goes on after a refusal that names a delay, and gives up after its attempts", async () => {
    const busy = () =>
      problemError({ code: Code.ResourceExhausted, reason: "BUSY", message: "m", retryAfterMs: 1 });
    const once = serverOf((_id, times) => (times === 1 ? busy() : stored));
    await uploadSeries(once.client, batches("one"));
    expect(once.received).toEqual(["one", "one"]);

    const always = serverOf(busy);
    await expect(uploadSeries(always.client, batches("one"), { attempts: 2 })).rejects.toMatchObject({
      reason: "BUSY",
    });
    expect(always.streams()).toBe(2);
  });

  test("ends with its source's own error, at once, over a transport that tells of it as of a cut", async () => {
    let streams = 0;
    const transport = createRouterTransport(({ service }) =>
      service(IngestionService, {
        async *streamSeries(requests) {
          streams += 1;
          for await (const { batch: sent } of requests) yield { requestId: sent!.requestId, result: stored };
        },
      }),
    );
    const broken = new RangeError("line 3 cannot be read");
    async function* source() {
      yield batch("one");
      throw broken;
    }
    const uploading = uploadSeries(createClient(IngestionService, transport), source());
    await expect(uploading).rejects.toBe(broken);
    expect(streams).toBe(1);
  });

  test("ends with the error of what takes its answers, and of a progress that cannot be written", async () => {
    const full = new Error("no space left");
    const fails = () => {
      throw full;
    };
    const progress = { has: () => false, add: fails };
    for (const options of [{ onAnswer: fails }, { progress }]) {
      const { client, streams } = serverOf(() => stored);
      await expect(uploadSeries(client, batches("one", "two"), options)).rejects.toBe(full);
      expect(streams()).toBe(1);
    }
  });

  test("an answer in between makes its attempts whole again", async () => {
    const { client, received } = serverOf((_id, times) => (times === 1 ? failureOf(1) : stored));
    await uploadSeries(client, batches("one", "two", "three"), { attempts: 2, window: 1 });
    expect(received).toEqual(["one", "one", "two", "two", "three", "three"]);
  });

  test("asks its source for no more than the window while nothing is answered", async () => {
    let asked = 0;
    const full = Promise.withResolvers<void>();
    async function* source() {
      for (let i = 1; i <= 10; i++) {
        asked = i;
        if (i === 3) full.resolve();
        yield batch(String(i));
      }
    }
    const answer = Promise.withResolvers<void>();
    async function* streamSeries(requests: AsyncIterable<StreamSeriesRequest>) {
      const received: string[] = [];
      const reading = (async () => {
        for await (const { batch: sent } of requests) received.push(sent!.requestId);
      })();
      await answer.promise;
      while (received.length > 0) {
        yield create(StreamSeriesResponseSchema, { requestId: received.shift()!, result: stored });
        await new Promise((resolve) => setImmediate(resolve));
      }
      await reading;
    }
    let answered = 0;
    const uploading = uploadSeries({ streamSeries } as unknown as Client<typeof IngestionService>, source(), {
      window: 3,
      onAnswer: () => void answered++,
    });
    await full.promise;
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(3);
    answer.resolve();
    await uploading;
    expect(answered).toBe(10);
  });

  test("goes on from its progress, which holds what was stored and nothing else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wellapi-progress-"));
    try {
      const path = join(folder, "progress");
      const rejected: Result = { case: "receipt", value: { batch: "" } };
      const first = serverOf((id) => (id === "two" ? rejected : stored));
      await uploadSeries(first.client, batches("one", "two", "three"), { progress: openProgressFile(path) });
      const second = serverOf(() => stored);
      const skipped: string[] = [];
      const progress = openProgressFile(path);
      await uploadSeries(second.client, batches("one", "two", "three"), {
        progress,
        onSkipped: ({ requestId }) => void skipped.push(requestId),
      });
      expect(second.received).toEqual(["two"]);
      expect(skipped).toEqual(["one", "three"]);
      progress.remove();
      expect(openProgressFile(path).has("one")).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("ends with an error when its signal aborts while it waits", async () => {
    const stop = new AbortController();
    const { client } = serverOf(() => failureOf(3_600_000));
    await expect(
      uploadSeries(client, batches("one"), { signal: stop.signal, onCut: () => stop.abort() }),
    ).rejects.toThrow();
  });

  test("of observations works the same", async () => {
    async function* streamObservations(requests: AsyncIterable<StreamObservationsRequest>) {
      for await (const { batch: sent } of requests)
        yield create(StreamObservationsResponseSchema, { requestId: sent!.requestId, result: stored });
    }
    const answered: string[] = [];
    await uploadObservations(
      { streamObservations } as unknown as Client<typeof IngestionService>,
      (async function* () {
        yield create(ObservationBatchSchema, { requestId: "weight" });
      })(),
      { onAnswer: ({ requestId }) => void answered.push(requestId) },
    );
    expect(answered).toEqual(["weight"]);
  });
});
