import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type IngestionService,
  type StreamSeriesRequest,
  StreamSeriesResponseSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { expect, test } from "vitest";
import { uploadSeries } from "../src/upload.ts";

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
