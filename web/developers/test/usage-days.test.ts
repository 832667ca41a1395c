import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { UsageSchema } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { expect, test } from "vitest";
import { daySums, methodSums, shortMethod, sumOf } from "../app/usage-days.ts";

const today = Date.UTC(2026, 5, 30);
const usage = (daysAgo: number, method: string, accesses: bigint, refusals: Record<string, bigint> = {}) =>
  create(UsageSchema, {
    startTime: timestampFromMs(today - daysAgo * 86_400_000),
    method: `wellapi.records.v1.RecordsService/${method}`,
    accesses,
    items: 10n,
    refusals: Object.entries(refusals).map(([reason, count]) => ({ reason, accesses: count })),
  });
const usages = [
  usage(0, "ReadSeries", 5n, { CONSENT_REQUIRED: 2n }),
  usage(0, "QuerySeries", 20n),
  usage(2, "ReadSeries", 7n, { CONSENT_REQUIRED: 1n, "": 3n }),
  usage(3, "ReadSeries", 1n),
];

test("the last days are all there, the oldest first, and what is older is not among them", () => {
  const sums = daySums(usages, 3, today + 3_600_000);
  expect(sums.map(({ day, ...sum }) => [new Date(day).toISOString().slice(0, 10), sum])).toEqual([
    ["2026-06-28", { accesses: 7, refused: 4, items: 10 }],
    ["2026-06-29", { accesses: 0, refused: 0, items: 0 }],
    ["2026-06-30", { accesses: 25, refused: 2, items: 20 }],
  ]);
});

test("RPCs are added up over days, with their reasons, what is called most first", () => {
  expect(sumOf(usages)).toEqual({ accesses: 33, refused: 6, items: 40 });
  expect(
    methodSums(usages).map(({ method, accesses, reasons }) => [shortMethod(method), accesses, reasons]),
  ).toEqual([
    ["RecordsService/QuerySeries", 20, []],
    [
      "RecordsService/ReadSeries",
      13,
      [
        { reason: "CONSENT_REQUIRED", accesses: 3 },
        { reason: "", accesses: 3 },
      ],
    ],
  ]);
});
