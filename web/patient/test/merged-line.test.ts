import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { MergedStretchSchema, MergeReason, SourceSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { SampleTimesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { expect, test } from "vitest";
import { lineIn, stretchesIn } from "../app/data/merged-line.ts";

const minute = 60_000;
const source = (deviceId: string) => create(SourceSchema, { organization: "org_a", deviceId });
const [watch, ring] = [source("dev_watch"), source("dev_ring")];

type Spacing = NonNullable<MessageInitShape<typeof SampleTimesSchema>["spacing"]>;

/** A stretch of the ring, where the watch has measured in so many minutes, too. */
function piece(startMs: number, mantissas: number[], beside: number, spacing?: Spacing) {
  return create(MergedStretchSchema, {
    source: ring,
    reason: MergeReason.RANKED,
    passedOver: [{ source: watch, minutes: beside }],
    series: {
      unit: "/min",
      times: {
        start: { case: "startTime", value: timestampFromMs(startMs) },
        spacing: spacing ?? { case: "periodMs", value: minute },
      },
      values: { case: "decimals", value: { mantissas, scale: 1 } },
    },
  });
}

test("what a page or a zone has parted is one stretch", () => {
  const pieces = [piece(30_000, [600, 610], 2), piece(2 * minute, [620], 1)];
  expect(stretchesIn(pieces)).toEqual([
    {
      start: 0,
      end: 3 * minute,
      source: ring,
      reason: MergeReason.RANKED,
      passedOver: [{ source: watch, minutes: 3 }],
    },
  ]);
  const alone = { ...piece(3 * minute, [630], 0), passedOver: [], reason: MergeReason.ONLY_SOURCE };
  expect(stretchesIn([...pieces, alone]).map(({ start, end }) => [start, end])).toEqual([
    [0, 3 * minute],
    [3 * minute, 4 * minute],
  ]);
});

test("samples become buckets from the beginning of the day on, whatever gaps lie between them", () => {
  const start = 10 * minute;
  const gaps: Spacing = { case: "gaps", value: { gapsMs: [20_000, 10 * minute] } };
  const line = lineIn([piece(start + 30_000, [600, 620, 700], 0, gaps)], { start }, 5 * minute)!;
  expect([line.unit, line.count]).toEqual(["/min", 3]);
  expect(line.lines[0]!.points.map(({ held: _, ...point }) => point)).toEqual([
    { start, end: start + 5 * minute, count: 2, low: 60, mean: 61, high: 62, sum: 122 },
    { start: start + 10 * minute, end: start + 15 * minute, count: 1, low: 70, mean: 70, high: 70, sum: 70 },
  ]);
  expect(lineIn([], { start }, minute)).toBeUndefined();
});
