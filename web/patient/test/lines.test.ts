import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type SourceAggregate, SourceAggregateSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { expect, test } from "vitest";
import { linesIn, unitsApart } from "../app/data/lines.ts";

const source = { organization: "org_scales", deviceId: "dev_1" };

function aggregate(
  unit: string,
  means: readonly string[],
  more: Omit<MessageInitShape<typeof SourceAggregateSchema>, "$typeName"> = {},
): SourceAggregate {
  const buckets = means.map((mean, at) => ({ startTime: { seconds: BigInt(at) }, count: 1, mean }));
  return create(SourceAggregateSchema, { source, unit, buckets, ...more });
}

test("what a source has measured in a second unit is shown, too, and told apart by its unit", () => {
  const lines = linesIn([
    aggregate("[lb_av]", ["160"]),
    aggregate("kg", ["72", "73"]),
    aggregate("kg", ["74"], { source: { organization: "org_clinic" } }),
  ]);
  expect(lines.map(({ unit, count }) => [unit, count])).toEqual([
    ["kg", 2],
    ["[lb_av]", 1],
    ["kg", 1],
  ]);
  expect(new Set(lines.map(({ key }) => key)).size).toBe(3);
  expect(unitsApart(lines, (unit) => (unit === "[lb_av]" ? "lb" : unit))).toEqual(["kg", "lb", undefined]);
});

test("two units of one name are told apart as they were sent", () => {
  const lines = linesIn([aggregate("/min", ["70"]), aggregate("{beats}/min", ["71"])]);
  expect(unitsApart(lines, () => "per minute")).toEqual(["/min", "{beats}/min"]);
});

test("pages and components of one unit are put together", () => {
  const upper = { component: { code: "8480-6" } };
  const lines = linesIn([
    aggregate("mm[Hg]", ["120"], upper),
    aggregate("mm[Hg]", ["80"], { component: { code: "8462-4" } }),
    aggregate("mm[Hg]", ["121"], upper),
  ]);
  expect(lines.map((one) => one.lines.map(({ component, points }) => [component, points.length]))).toEqual([
    [
      ["8480-6", 2],
      ["8462-4", 1],
    ],
  ]);
});
