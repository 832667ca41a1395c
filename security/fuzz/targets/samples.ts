import { deflateRawSync } from "node:zlib";
import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ObservationBatchSchema, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { StreamSeriesRequestSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { validateMessage } from "@wellapi/rpc";
import { decodeBlock, encodeBlock, SeriesError } from "@wellapi/series";
import { shippedTerminology } from "@wellapi/terminology";
import { goldenColumns } from "../../../packages/series/test/golden/cases.ts";
import { assertJsonShape } from "../../../services/gateway/src/json-body.ts";
import { judgeObservationBatch, judgeSeriesBatch } from "../../../services/ingestion/src/batch.ts";
import { toObservationBatch, toSeriesBatch } from "../../../services/ingestion/src/convert.ts";
import { IngestionError } from "../../../services/ingestion/src/errors.ts";
import { observationBatch, series, seriesBatch } from "../../../services/ingestion/test/harness.ts";
import { assertResult, type FuzzTarget, isOneOf, textOf, utf8 } from "../target.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

/** protobuf-es has no error class of its own; the doors answer each error of it with INVALID_ARGUMENT. */
class Undecodable extends Error {
  override readonly name = "Undecodable";
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new Undecodable("not a message of the contract", { cause });
  }
}

function blockOf(input: Uint8Array): string {
  const columns = decodeBlock(input);
  const again = decodeBlock(encodeBlock(columns));
  assertResult(JSON.stringify(again) === JSON.stringify(columns), "a block changes when it is written again");
  return `${columns.values.kind} ${typeof columns.durationMs} ${columns.times.length > 1}`;
}

const blocks = Object.values(goldenColumns);

const codes = ["8867-4", "55423-8", "85354-9", "8480-6", "8462-4", "93832-4", "8310-5", "http://loinc.org"];
const words = [
  ...codes,
  "/min",
  "{steps}",
  "Cel",
  "[degF]",
  "mm[Hg]",
  "2016-04-12T08:00:00+02:00",
  "Europe/Berlin",
];

function batchTarget<S extends DescMessage>(
  name: string,
  schema: S,
  corpus: readonly MessageInitShape<S>[],
  judge: (bytes: Uint8Array) => readonly { violations: readonly { reason: string }[] }[],
): FuzzTarget {
  return {
    name,
    open: () => ({
      corpus: corpus.map((batch) => toBinary(schema, create(schema, batch))),
      words,
      refuses: isOneOf(Undecodable, IngestionError),
      parse: (input) =>
        judge(input)
          .flatMap(({ violations }) => violations.map(({ reason }) => reason))
          .join(),
    }),
  };
}

const seriesBatches: MessageInitShape<typeof SeriesBatchSchema>[] = [
  seriesBatch("req-1"),
  seriesBatch("req-2", { timeZone: "Europe/Berlin", series: [series(), series({ unit: "1/min" })] }),
];

export const sampleTargets: readonly FuzzTarget[] = [
  {
    name: "block",
    open: () => ({
      corpus: blocks.flatMap((columns) => [encodeBlock(columns), encodeBlock(columns, false)]),
      refuses: isOneOf(SeriesError),
      parse: blockOf,
    }),
  },
  {
    // What is behind the deflate: mutations of packed bytes hardly ever unpack.
    name: "packed-block",
    open: () => ({
      corpus: blocks.map((columns) => encodeBlock(columns, false)),
      refuses: isOneOf(SeriesError),
      parse(input) {
        const body = input.subarray(2);
        const length = [(body.length & 0x7f) | 0x80, ((body.length >> 7) & 0x7f) | 0x80, body.length >> 14];
        const head = Uint8Array.of(input[0] ?? 1, 1, ...length);
        return blockOf(Buffer.concat([head, deflateRawSync(body, { level: 1 })]));
      },
    }),
  },
  batchTarget("series", SeriesBatchSchema, seriesBatches, (bytes) => {
    const batch = decoded(() => fromBinary(SeriesBatchSchema, bytes));
    return judgeSeriesBatch(toSeriesBatch(batch), NOW, shippedTerminology).rejections;
  }),
  batchTarget("observations", ObservationBatchSchema, [observationBatch("req-1")], (bytes) => {
    const batch = decoded(() => fromBinary(ObservationBatchSchema, bytes));
    return judgeObservationBatch(toObservationBatch(batch), NOW, shippedTerminology).rejections;
  }),
  {
    name: "contract-rules",
    open: () => ({
      corpus: seriesBatches.map((batch) =>
        toBinary(StreamSeriesRequestSchema, create(StreamSeriesRequestSchema, { batch })),
      ),
      words,
      refuses: isOneOf(Undecodable),
      parse: (input) =>
        validateMessage(
          StreamSeriesRequestSchema,
          decoded(() => fromBinary(StreamSeriesRequestSchema, input)),
        )?.violations?.[0]?.reason ?? "valid",
    }),
  },
  {
    name: "json",
    open: () => ({
      corpus: seriesBatches.map((batch) =>
        utf8(toJsonString(SeriesBatchSchema, create(SeriesBatchSchema, batch))),
      ),
      words: ['"series":', '{"code":{}}', "[[[[", "1e400", '"__proto__":', "null", ...words],
      refuses: isOneOf(Undecodable, ConnectError),
      parse(input) {
        assertJsonShape(input);
        decoded(() => fromJsonString(SeriesBatchSchema, textOf(input)));
      },
    }),
  },
];
