import { DATA_ABSENT_REASON_SYSTEM, shippedTerminology } from "@wellapi/terminology";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeObservationBatch } from "../src/batch.ts";
import type { Observation } from "../src/observation.ts";
import { type Component, judgeValue, type Quantity } from "../src/value.ts";
import type { Violation } from "../src/violation.ts";
import { judgeCode } from "../src/vocabulary.ts";
import {
  anyRecord,
  codedRecord,
  coding,
  componentRecord,
  NOW,
  quantityRecord,
  sleepCoding,
  ZONE,
} from "./arbitraries.ts";

const DAY = 86_400_000;
const instant = (ms: number) => ({
  start: { kind: "instant" as const, seconds: Math.floor(ms / 1_000), nanos: 0 },
  offsetMinutes: 0,
});
const text = (text: string, offsetMinutes?: number) => ({
  start: { kind: "text" as const, text },
  offsetMinutes,
});

function told(items: readonly Observation[]) {
  return judgeObservationBatch({ timeZone: ZONE, items }, NOW, shippedTerminology).rejections.map(
    ({ index, violations }) => ({
      index,
      violations: violations.map(({ field, reason }) => `${field} ${reason}`),
    }),
  );
}

const quantityOf = (
  { value }: { readonly value: { readonly quantity: Quantity } },
  change: Partial<Quantity>,
) => ({ kind: "quantity" as const, quantity: { ...value.quantity, ...change } });
const quantity = (value: string, unit: string) => ({ kind: "quantity" as const, quantity: { value, unit } });
const note = (text: string) => ({ kind: "text" as const, text });
const integer = (integer: bigint) => ({ kind: "integer" as const, integer });
const ownCoding = (code: string) => coding(code, "https://wellapi.dev/fhir/CodeSystem/observation");
const lap = (startOffsetMs: number, durationMs: number) => ({
  kind: ownCoding("lap"),
  startOffsetMs,
  durationMs,
  components: [],
});
const steps = (value: string): Component => ({
  coding: coding("55423-8"),
  value: quantity(value, "{steps}"),
  absentReason: undefined,
  interpretations: [],
  referenceRanges: [],
});
const details = {
  alternativeCodes: [],
  codeText: "",
  interpretations: [],
  referenceRanges: [],
  bodySite: undefined,
  technique: undefined,
  performer: "",
  notes: [],
  externalId: "",
};

function withComponent(observation: Observation, at: number, change: Partial<Quantity>): Observation {
  const component = observation.components[at]!;
  const value = quantityOf(component as { value: { quantity: Quantity } }, change);
  return { ...observation, components: observation.components.with(at, { ...component, value }) };
}

const session = anyRecord.map((o) => ({
  ...o,
  coding: ownCoding("workout"),
  durationMs: 3_600_000,
  granularity: 0,
  value: undefined,
  components: [steps("6000")],
  segments: [{ ...lap(0, 1_800_000), components: [steps("3000")] }, lap(1_800_000, 1_800_000)],
}));
const score = anyRecord.map((o) => ({
  ...o,
  coding: ownCoding("wellbeing-score"),
  value: integer(10n),
  components: [],
}));

function heartRange(low: string | undefined, high: string | undefined, highUnit = "/min") {
  return quantityRecord.map((o) => ({
    ...o,
    coding: coding("8867-4"),
    value: {
      kind: "range" as const,
      range: {
        low: low === undefined ? undefined : { value: low, unit: "/min" },
        high: high === undefined ? undefined : { value: high, unit: highUnit },
      },
    },
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
    anyRecord.map((o) => ({ ...o, time: text("2016-06-01T00:00:00", 120) })),
    ".utc_offset_minutes OFFSET_WITH_TIME_TEXT",
  ],
  [
    "a skipped local time",
    anyRecord.map((o) => ({ ...o, time: text("2016-03-27T02:00:00") })),
    ".effective_time_text LOCAL_TIME_SKIPPED",
  ],
  [
    "a second 60",
    anyRecord.map((o) => ({ ...o, time: text("2016-12-31T23:59:60") })),
    ".effective_time_text TIME_INVALID",
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
    anyRecord.map((o) => ({ ...o, durationMs: 366 * DAY + 1, granularity: 6 })),
    ".duration_ms DURATION_TOO_LONG",
  ],
  [
    "more digits than 53 bits hold",
    quantityRecord.map((o) => ({ ...o, value: quantityOf(o, { value: "-9007199.254740992" }) })),
    ".quantity.value VALUE_OUT_OF_RANGE",
  ],
  [
    "a unit of another dimension",
    quantityRecord.map((o) => ({ ...o, value: quantityOf(o, { unit: "cd" }) })),
    ".quantity.unit UNIT_WRONG_DIMENSION",
  ],
  ["an unknown code", anyRecord.map((o) => ({ ...o, coding: coding("constructor") })), ".code CODE_UNKNOWN"],
  [
    "a number for a coded code",
    quantityRecord.map((o) => ({ ...o, coding: sleepCoding })),
    ".quantity VALUE_WRONG_KIND",
  ],
  [
    "a coded value outside the set",
    codedRecord.map((o) => ({ ...o, value: { kind: "coded" as const, coding: coding("awake") } })),
    ".coded CODED_VALUE_UNKNOWN",
  ],
  [
    "a component's value of too many digits",
    componentRecord.map((o) => withComponent(o, 1, { value: "9999999999999999" })),
    ".components[1].quantity.value VALUE_OUT_OF_RANGE",
  ],
  [
    "a component's unit that is none",
    componentRecord.map((o) => withComponent(o, 0, { unit: "mmHg" })),
    ".components[0].quantity.unit UNIT_UNKNOWN",
  ],
  [
    "a component left out",
    componentRecord.map((o) => ({ ...o, components: o.components.slice(1) })),
    ".components COMPONENT_MISSING",
  ],
  ["no value", quantityRecord.map((o) => ({ ...o, value: undefined })), " VALUE_REQUIRED"],
  ["no code", anyRecord.map((o) => ({ ...o, coding: undefined })), ".code CODE_REQUIRED"],
  [
    "no time",
    anyRecord.map((o) => ({ ...o, time: { start: { kind: "none" as const }, offsetMinutes: 0 } })),
    ".effective_time TIME_REQUIRED",
  ],
  [
    "an instant without its offset",
    anyRecord.map((o) => ({ ...o, time: { ...instant(0), offsetMinutes: undefined } })),
    ".utc_offset_minutes UTC_OFFSET_REQUIRED",
  ],
  [
    "a value beyond any body",
    quantityRecord.map((o) => ({ ...o, value: quantityOf(o, { value: "-1" }) })),
    ".quantity.value VALUE_IMPLAUSIBLE",
  ],
  [
    "an exponent",
    quantityRecord.map((o) => ({ ...o, value: quantityOf(o, { value: "6e1" }) })),
    ".quantity.value DECIMAL_INVALID",
  ],
  [
    "a value and a reason why there is none",
    quantityRecord.map((o) => ({ ...o, absentReason: coding("error", DATA_ABSENT_REASON_SYSTEM) })),
    ".data_absent_reason VALUE_AND_ABSENT_REASON",
  ],
  [
    "a reason that is none",
    quantityRecord.map((o) => ({ ...o, value: undefined, absentReason: coding("lazy") })),
    ".data_absent_reason ABSENT_REASON_UNKNOWN",
  ],
  [
    "a duration without a class",
    anyRecord.map((o) => ({ ...o, durationMs: 60_000, granularity: 0 })),
    ".granularity GRANULARITY_REQUIRED",
  ],
  ["a status that the contract has not", anyRecord.map((o) => ({ ...o, status: 8 })), ".status ENUM_UNKNOWN"],
  [
    "segments without a session",
    anyRecord.map((o) => ({ ...o, segments: [lap(0, 1)] })),
    ".segments SEGMENTS_NOT_ALLOWED",
  ],
  [
    "a session of no length",
    session.map((o) => ({ ...o, durationMs: 0, segments: [] })),
    ".duration_ms DURATION_REQUIRED",
  ],
  [
    "a session of an hour's class",
    session.map((o) => ({ ...o, granularity: 4 })),
    ".granularity GRANULARITY_MISMATCH",
  ],
  [
    "a lap that was before the one before",
    session.map((o) => ({ ...o, segments: [lap(2_000, 1), lap(1_999, 1)] })),
    ".segments[1].start_offset_ms SEGMENT_ORDER",
  ],
  [
    "a lap after the end",
    session.map((o) => ({ ...o, segments: [lap(0, 1), lap(1, o.durationMs)] })),
    ".segments[1] SEGMENT_OUTSIDE",
  ],
  [
    "a part of another kind of session",
    session.map((o) => ({ ...o, segments: [{ ...lap(0, 1), kind: sleepCoding }] })),
    ".segments[0].kind CODED_VALUE_UNKNOWN",
  ],
  [
    "a summary of what is not known",
    session.map((o) => ({ ...o, components: [{ ...o.components[0]!, coding: coding("1-8") }] })),
    ".components[0].code COMPONENT_UNKNOWN",
  ],
  [
    "a summary beyond any body",
    session.map((o) => ({ ...o, components: [steps("-1")] })),
    ".components[0].quantity.value VALUE_IMPLAUSIBLE",
  ],
  [
    "65 components",
    session.map((o) => ({ ...o, components: new Array(65).fill(steps("1")) })),
    ".components LIST_TOO_LONG",
  ],
  ["a score of 11", score.map((o) => ({ ...o, value: integer(11n) })), ".integer VALUE_IMPLAUSIBLE"],
  [
    "a score of 54 bits",
    score.map((o) => ({ ...o, value: integer(-(2n ** 53n)) })),
    ".integer VALUE_OUT_OF_RANGE",
  ],
  ["a text for a score", score.map((o) => ({ ...o, value: note("fine") })), ".text VALUE_WRONG_KIND"],
  ["a text for a weight", quantityRecord.map((o) => ({ ...o, value: note("80") })), ".text VALUE_WRONG_KIND"],
  [
    "a text of 4,097 characters",
    score.map((o) => ({ ...o, coding: ownCoding("wellbeing-note"), value: note("x".repeat(4_097)) })),
    ".text TEXT_TOO_LONG",
  ],
  ["a range of nothing", heartRange(undefined, undefined), ".range RANGE_INCOMPLETE"],
  ["a range the wrong way round", heartRange("70", "69.9"), ".range RANGE_REVERSED"],
  ["a range beyond any body", heartRange("70", "6000"), ".range.high.value VALUE_IMPLAUSIBLE"],
  ["a range of two units", heartRange("70", "2", "Hz"), ".range RANGE_UNITS_DIFFER"],
  [
    "a ratio where no code has one",
    score.map((o) => ({
      ...o,
      value: { kind: "ratio" as const, ratio: { numerator: undefined, denominator: undefined } },
    })),
    ".ratio VALUE_WRONG_KIND",
  ],
  [
    "nine notes",
    anyRecord.map((o) => ({ ...o, more: { ...details, notes: new Array(9).fill("") } })),
    ".notes LIST_TOO_LONG",
  ],
  [
    "a note of 2,001 characters",
    anyRecord.map((o) => ({ ...o, more: { ...details, notes: ["", "x".repeat(2_001)] } })),
    ".notes[1] TEXT_TOO_LONG",
  ],
  [
    "an external id of 129 characters",
    anyRecord.map((o) => ({ ...o, more: { ...details, externalId: "x".repeat(129) } })),
    ".external_id TEXT_TOO_LONG",
  ],
  [
    "another code that is empty",
    anyRecord.map((o) => ({ ...o, more: { ...details, alternativeCodes: [coding("")] } })),
    ".alternative_codes[0].code CODE_REQUIRED",
  ],
  [
    "a reference range that is no number",
    anyRecord.map((o) => ({
      ...o,
      more: {
        ...details,
        referenceRanges: [{ low: { value: "low", unit: "/min" }, high: undefined, text: "", appliesTo: [] }],
      },
    })),
    ".reference_ranges[0].low.value DECIMAL_INVALID",
  ],
];

describe("a batch of observations", () => {
  it("finds nothing wrong with good ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyRecord, session, score, heartRange("50", "180.5")), {
          minLength: 1,
          maxLength: 5,
        }),
        (items) => {
          expect(told(items)).toEqual([]);
        },
      ),
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
});

it("refuses a code that no category holds, for no consent could name it", () => {
  const found: Violation[] = [];
  judgeCode({ ...shippedTerminology, categoriesOf: () => [] }, coding("8867-4"), found);
  expect(found.map(({ field, reason }) => `${field} ${reason}`)).toEqual(["code CODE_WITHOUT_CATEGORY"]);
});

it("names the codes that may have been meant", () => {
  const described = (code: string, system = "") => {
    const found: Violation[] = [];
    judgeCode(shippedTerminology, coding(code, system), found);
    return found.map(({ description }) => description).join();
  };
  expect(described("8867")).toContain("perhaps 8867-4 (Heart rate)");
  expect(described("sleep-stage")).toContain(
    "of https://wellapi.dev/fhir/CodeSystem/sleep-stage-observation",
  );
  for (const name of ["heart-rate", "heart_rate", "HeartRate", "heart"]) {
    expect(described(name)).toContain("perhaps 8867-4 (Heart rate), 40443-4 (Heart rate --resting)");
  }
  expect(described("steps")).toContain("perhaps 55423-8 (");
  expect(described("he")).not.toContain("perhaps"); // says too little
  expect(described("heart-sound")).not.toContain("perhaps");
  expect(described("9999999-9")).not.toContain("perhaps");
});

it("tells the range that a value left, in the code's unit, and never the value", () => {
  const found: Violation[] = [];
  const heat = { kind: "quantity" as const, quantity: { value: "131.7", unit: "[degF]" } };
  judgeValue(shippedTerminology, shippedTerminology.findCode("8310-5")!, heat, "", found);
  expect(found).toEqual([expect.objectContaining({ reason: "VALUE_IMPLAUSIBLE" })]);
  expect(found[0]!.description).toContain("10 to 48 Cel");
  expect(found[0]!.description).not.toContain("131");
});
