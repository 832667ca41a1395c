import { create } from "@bufbuild/protobuf";
import { SourcedSeriesSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BatchOptions, batchesOf, type Row } from "../src/batches.ts";
import { decimalText, samplesOf } from "../src/samples.ts";

const options: BatchOptions = {
  patient: "pat_x",
  code: "8867-4",
  unit: "/min",
  durationMs: 0,
  samplesPerBatch: 7,
};

async function* stream(rows: readonly Row[]): AsyncGenerator<Row> {
  yield* rows;
}

const rowsArbitrary = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(60_000), fc.integer({ min: 1, max: 40 * 86_400_000 })),
      offsetMinutes: fc.constantFrom(0, 0, 0, 60),
      mantissa: fc.oneof(fc.integer({ min: -500, max: 500 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
      scale: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let timeMs = Date.parse("2020-01-01T00:00:00Z");
    return steps.map(({ gap, ...row }) => {
      timeMs += gap;
      return { timeMs, ...row };
    });
  });

describe("batchesOf", () => {
  test("what is batched reads back sample by sample", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, async (rows) => {
        const batches = await Array.fromAsync(batchesOf(stream(rows), options));
        const samples = batches.flatMap((batch) =>
          samplesOf(create(SourcedSeriesSchema, { series: batch.series[0]! })),
        );
        expect(samples.map((sample) => sample.timeMs)).toEqual(rows.map((row) => row.timeMs));
        expect(samples.map((sample) => Number(sample.value))).toEqual(
          rows.map((row) => Number(decimalText(row.mantissa, row.scale))),
        );
        for (const batch of batches) {
          const { length } = samplesOf(create(SourcedSeriesSchema, { series: batch.series[0]! }));
          expect(length).toBeLessThanOrEqual(options.samplesPerBatch);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("the same rows have the same request ids, other rows have others", async () => {
    const rows: Row[] = [{ timeMs: 1_600_000_000_000, offsetMinutes: 0, mantissa: 70, scale: 0 }];
    const [first] = await Array.fromAsync(batchesOf(stream(rows), options));
    const [again] = await Array.fromAsync(batchesOf(stream(rows), options));
    const [other] = await Array.fromAsync(batchesOf(stream([{ ...rows[0]!, mantissa: 71 }]), options));
    expect(again!.requestId).toBe(first!.requestId);
    expect(other!.requestId).not.toBe(first!.requestId);
  });
});
