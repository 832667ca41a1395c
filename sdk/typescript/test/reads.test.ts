import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { SourcedSeriesSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import {
  type AggregateSeriesRequest,
  type ListObservationsRequest,
  type ListSeriesRequest,
  type QuerySeriesRequest,
  RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { describe, expect, test } from "vitest";
import {
  aggregateSeries,
  ClientError,
  listObservations,
  listSeries,
  paginate,
  querySeries,
  readSeries,
} from "../src/index.ts";

const query = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
const run = (batch: string) => create(SourcedSeriesSchema, { batch });

function records(implementation: Partial<ServiceImpl<typeof RecordsService>>) {
  return createClient(
    RecordsService,
    createRouterTransport(({ service }) => service(RecordsService, implementation)),
  );
}

/** Three pages of two, and what each was asked with. */
function threePages<R extends { pageToken: string }, P>(page: (names: string[]) => P) {
  const asked: R[] = [];
  return {
    asked,
    answer(request: R): P & { nextPageToken: string } {
      asked.push(request);
      const at = Number(request.pageToken || "0");
      return { ...page([`${at}a`, `${at}b`]), nextPageToken: at < 2 ? String(at + 1) : "" };
    },
  };
}

const names = ["0a", "0b", "1a", "1b", "2a", "2b"];

describe("a list", () => {
  test("of samples is followed page by page, each with the whole query", async () => {
    const pages = threePages<QuerySeriesRequest, object>((batches) => ({ series: batches.map(run) }));
    const client = records({ querySeries: (request) => pages.answer(request) });
    const found = await Array.fromAsync(querySeries(client, { ...query, pageSize: 2 }));
    expect(found.map(({ batch }) => batch)).toEqual(names);
    expect(pages.asked.map(({ pageToken }) => pageToken)).toEqual(["", "1", "2"]);
    expect(pages.asked.every(({ patient, pageSize }) => patient === "pat_1" && pageSize === 2)).toBe(true);
  });

  test("of observations, of series and of aggregates is, too", async () => {
    const observations = threePages<ListObservationsRequest, object>((ids) => ({
      observations: ids.map((id) => ({ id })),
    }));
    const series = threePages<ListSeriesRequest, object>((codes) => ({
      series: codes.map((code) => ({ code: { code } })),
    }));
    const aggregates = threePages<AggregateSeriesRequest, object>((units) => ({
      aggregates: units.map((unit) => ({ unit })),
    }));
    const client = records({
      listObservations: (request) => observations.answer(request),
      listSeries: (request) => series.answer(request),
      aggregateSeries: (request) => aggregates.answer(request),
    });
    const found = await Promise.all([
      Array.fromAsync(listObservations(client, query), ({ id }) => id),
      Array.fromAsync(listSeries(client, { patient: "pat_1" }), ({ code }) => code?.code),
      Array.fromAsync(aggregateSeries(client, query), ({ unit }) => unit),
    ]);
    expect(found).toEqual([names, names, names]);
  });

  test("is asked no further than it is read", async () => {
    const pages = threePages<QuerySeriesRequest, object>((batches) => ({ series: batches.map(run) }));
    const client = records({ querySeries: (request) => pages.answer(request) });
    for await (const { batch } of querySeries(client, query)) if (batch === "0b") break;
    expect(pages.asked).toHaveLength(1);
  });

  test("whose server names one page for ever ends with an error", async () => {
    const again = paginate(
      () =>
        new Promise<{ nextPageToken: string; items: number[] }>((resolve) => {
          setImmediate(resolve, { nextPageToken: "same", items: [1] });
        }),
      ({ items }) => items,
    );
    await expect(Array.fromAsync(again)).rejects.toMatchObject({ name: "ClientError", code: "cut" });
  });
});

describe("a streamed read", () => {
  const start = { payload: { case: "start" as const, value: { access: "acc_1" } } };
  const series = (batch: string) => ({ payload: { case: "series" as const, value: run(batch) } });
  const end = { payload: { case: "end" as const, value: { samples: 2 } } };

  test("gives the samples, and says what was authorized and what was sent", async () => {
    const client = records({
      async *readSeries() {
        yield* [start, series("a"), series("b"), end];
      },
    });
    const told: unknown[] = [];
    const found = await Array.fromAsync(
      readSeries(client, query, {
        onStart: ({ access }) => told.push(access),
        onEnd: ({ samples }) => told.push(samples),
      }),
    );
    expect(found.map(({ batch }) => batch)).toEqual(["a", "b"]);
    expect(told).toEqual(["acc_1", 2]);
  });

  test("that was cut throws after what came, however the stream ended", async () => {
    const client = records({
      async *readSeries() {
        yield* [start, series("a")];
      },
    });
    const came: string[] = [];
    const reading = (async () => {
      for await (const { batch } of readSeries(client, query)) came.push(batch);
    })();
    await expect(reading).rejects.toThrow(ClientError);
    await expect(reading).rejects.toMatchObject({ code: "cut" });
    expect(came).toEqual(["a"]);
  });
});
