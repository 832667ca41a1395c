import { readFile } from "node:fs/promises";
import { shippedTerminology } from "@wellapi/terminology";
import { describe, expect, it } from "vitest";
import { judgeObservationBatch, judgeSeriesBatch } from "../src/batch.ts";
import type { Observation } from "../src/observation.ts";
import type { Series } from "../src/series.ts";
import type { Component } from "../src/value.ts";
import { itemReasons } from "../src/violation.ts";
import { coding, NOW } from "./arbitraries.ts";

function seriesOf(count: number): Series {
  return {
    coding: coding("8867-4"),
    device: undefined,
    method: 0,
    granularity: 0,
    unit: "/min",
    times: {
      start: { kind: "instant", seconds: 1_460_000_000, nanos: 0 },
      offsetMinutes: 0,
      spacing: { kind: "period", periodMs: 1 },
      durationMs: 0,
      durationsMs: [],
    },
    values: { kind: "quantity", scale: 0, mantissas: Array(count).fill(60), wideMantissas: [], texts: [] },
  };
}

const observation: Observation = {
  coding: coding("29463-7"),
  time: { start: { kind: "instant", seconds: 1_460_000_000, nanos: 0 }, offsetMinutes: 0 },
  durationMs: 0,
  granularity: 0,
  value: { kind: "quantity", quantity: { value: "80.5", unit: "kg" } },
  absentReason: undefined,
  components: [],
  segments: [],
  device: undefined,
  method: 0,
  status: 0,
  more: undefined,
};

const problem = (field: string, reason: string) =>
  expect.objectContaining({
    problem: expect.objectContaining({
      reason: "INVALID_FIELD",
      violations: [expect.objectContaining({ field, reason })],
    }),
  });

describe("the whole batch", () => {
  it("takes 100,000 samples and refuses one more", () => {
    const halves = [seriesOf(50_000), seriesOf(50_000)];
    expect(judgeSeriesBatch({ timeZone: "", items: halves }, NOW, shippedTerminology).rejections).toEqual([]);
    const more = { timeZone: "", items: [...halves, seriesOf(1)] };
    expect(() => judgeSeriesBatch(more, NOW, shippedTerminology)).toThrow(
      problem("batch.series", "BATCH_TOO_LARGE"),
    );
  });

  it.each(["Mars/Olympus", "+02:00", "Z", "2016-01-01T00:00Z[Europe/Berlin]", " Europe/Berlin"])(
    "is refused with the time zone %j, which IANA does not know, also where no time needs it",
    (timeZone) => {
      const refusal = problem("batch.time_zone", "TIME_ZONE_UNKNOWN");
      expect(() => judgeSeriesBatch({ timeZone, items: [seriesOf(1)] }, NOW, shippedTerminology)).toThrow(
        refusal,
      );
      expect(() =>
        judgeObservationBatch({ timeZone, items: [observation] }, NOW, shippedTerminology),
      ).toThrow(refusal);
    },
  );

  it("tells of every rejected item, but never more than an answer can hold", () => {
    const component: Component = {
      coding: coding("no"),
      value: undefined,
      absentReason: undefined,
      interpretations: [],
      referenceRanges: [],
    };
    const broken: Observation = {
      ...observation,
      coding: coding("85354-9"),
      value: undefined,
      components: Array(8).fill(component),
    };
    const { rejections } = judgeObservationBatch(
      { timeZone: "", items: Array(1_000).fill(broken) },
      NOW,
      shippedTerminology,
    );
    expect(rejections).toHaveLength(1_000);
    expect(rejections.every(({ violations }) => violations.length > 0)).toBe(true);
    expect(JSON.stringify(rejections).length).toBeLessThan(500_000);
  });
});

it("has each reason in its README", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const named = [...readme.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map((match) => match[1]);
  expect(named).toEqual(expect.arrayContaining([...itemReasons, "BATCH_TOO_LARGE", "TIME_ZONE_UNKNOWN"]));
  expect(named).toHaveLength(new Set(named).size);
});
