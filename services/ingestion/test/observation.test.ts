import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeObservationBatch } from "../src/batch.ts";
import type { Observation } from "../src/observation.ts";
import type { Violation } from "../src/violation.ts";
import { judgeCode } from "../src/vocabulary.ts";
import { anyRecord, codedRecord, componentRecord, NOW, quantityRecord, ZONE } from "./arbitraries.ts";

const DAY = 86_400_000;
const instant = (ms: number) => ({
  start: { kind: "instant" as const, seconds: Math.floor(ms / 1_000), nanos: 0 },
  offsetMinutes: 0,
});
const local = (text: string, offsetMinutes = 0) => ({
  start: { kind: "local" as const, text },
  offsetMinutes,
});

function told(items: readonly Observation[]) {
  return judgeObservationBatch({ timeZone: ZONE, items }, NOW).rejections.map(({ index, violations }) => ({
    index,
    violations: violations.map(({ field, reason }) => `${field} ${reason}`),
  }));
}

type Row = readonly [name: string, broken: fc.Arbitrary<Observation>, says: string];

const rows: readonly Row[] = [
  [
    "before 1900",
    anyRecord.map((o) => ({ ...o, time: instant(Date.UTC(1899, 11, 31)) })),
    ".effective_time TIME_BEFORE_1900",
  ],
  [
    "in the future",
    anyRecord.map((o) => ({ ...o, time: instant(NOW + 601_000) })),
    ".effective_time TIME_IN_FUTURE",
  ],
  [
    "a local time with an offset",
    anyRecord.map((o) => ({ ...o, time: local("2016-06-01T00:00:00", 120) })),
    ".utc_offset_minutes OFFSET_WITH_LOCAL_TIME",
  ],
  [
    "a skipped local time",
    anyRecord.map((o) => ({ ...o, time: local("2016-03-27T02:00:00") })),
    ".local_effective_time LOCAL_TIME_SKIPPED",
  ],
  [
    "a second 60",
    anyRecord.map((o) => ({ ...o, time: local("2016-12-31T23:59:60") })),
    ".local_effective_time TIME_INVALID",
  ],
  [
    "a microsecond",
    anyRecord.map((o) => ({
      ...o,
      time: { start: { kind: "instant" as const, seconds: 0, nanos: 1 }, offsetMinutes: 0 },
    })),
    ".effective_time TIME_TOO_FINE",
  ],
  [
    "more than 366 days",
    anyRecord.map((o) => ({ ...o, durationMs: 366 * DAY + 1 })),
    ".duration_ms DURATION_TOO_LONG",
  ],
  [
    "more digits than 53 bits hold",
    quantityRecord.map((o) => ({ ...o, value: { ...o.value, value: "-9007199.254740992" } })),
    ".quantity.value VALUE_OUT_OF_RANGE",
  ],
  [
    "a unit of another dimension",
    quantityRecord.map((o) => ({ ...o, value: { ...o.value, unit: "cd" } })),
    ".quantity.unit UNIT_WRONG_DIMENSION",
  ],
  [
    "an unknown code",
    anyRecord.map((o) => ({ ...o, coding: { system: "", code: "constructor" } })),
    ".code CODE_UNKNOWN",
  ],
  [
    "a number for a coded code",
    quantityRecord.map((o) => ({ ...o, coding: { system: "", code: "85354-9" } })),
    ".quantity VALUE_WRONG_KIND",
  ],
  [
    "a coded value outside the set",
    codedRecord.map((o) => ({
      ...o,
      value: { kind: "coded" as const, coding: { system: "", code: "awake" } },
    })),
    ".coded CODED_VALUE_UNKNOWN",
  ],
  [
    "a component's value of too many digits",
    componentRecord.map((o) => ({
      ...o,
      value: {
        ...o.value,
        components: o.value.components.with(1, { ...o.value.components[1]!, value: "9999999999999999" }),
      },
    })),
    ".components.components[1].quantity.value VALUE_OUT_OF_RANGE",
  ],
  [
    "a component's unit that is none",
    componentRecord.map((o) => ({
      ...o,
      value: {
        ...o.value,
        components: o.value.components.with(0, { ...o.value.components[0]!, unit: "mmHg" }),
      },
    })),
    ".components.components[0].quantity.unit UNIT_UNKNOWN",
  ],
  [
    "a component left out",
    componentRecord.map((o) => ({
      ...o,
      value: { ...o.value, components: o.value.components.slice(1) },
    })),
    ".components.components COMPONENT_MISSING",
  ],
];

describe("a batch of observations", () => {
  it("finds nothing wrong with good ones", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), (items) => {
        expect(told(items)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it.each(rows)("tells exactly what is wrong, of that item alone: %s", (_, broken, says) => {
    const neighbours = fc.array(anyRecord, { maxLength: 3 });
    fc.assert(
      fc.property(broken, neighbours, neighbours, (observation, before, after) => {
        const index = before.length;
        expect(told([...before, observation, ...after])).toEqual([
          { index, violations: [`observations[${index}]${says}`] },
        ]);
      }),
      { numRuns: 30 },
    );
  });

  it("takes the largest number that is exact", () => {
    const largest = quantityRecord.map((o) => ({ ...o, value: { ...o.value, value: "9007199.254740991" } }));
    fc.assert(
      fc.property(largest, (observation) => {
        expect(told([observation])).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });
});

it("refuses a code that no category holds, for no consent could name it", () => {
  const found: Violation[] = [];
  const fields = { quantity: "decimals", coded: "coded", components: "components" };
  judgeCode({ system: "", code: "8867-4" }, "quantity", fields, found, () => []);
  expect(found.map(({ field, reason }) => `${field} ${reason}`)).toEqual(["code CODE_WITHOUT_CATEGORY"]);
});
