import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Observation, ObservationSchema } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";

const OWN = "https://wellapi.dev/fhir/CodeSystem/observation";
const ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const START = Date.parse("2025-06-01T00:00:00Z");

type Init = Omit<MessageInitShape<typeof ObservationSchema>, "$typeName">;
type Value = NonNullable<Init["value"]>;

const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const coding = fc.record({
  system: fc.constantFrom("http://snomed.info/sct", "urn:x"),
  code: words.map((text) => text.slice(0, 20).toWellFormed() || "x"),
  display: words,
});
const codings = fc.array(coding, { maxLength: 3 });
const kilograms = fc
  .integer({ min: 20_00, max: 200_00 })
  .map((grams) => ({ value: (grams / 100).toFixed(2), unit: "kg" }));
const range = fc.record({ low: kilograms, high: fc.constant({ value: "300.0", unit: "kg" }) });
const reference = fc.record({ low: kilograms, text: words, appliesTo: codings }, { requiredKeys: [] });
const references = fc.array(reference, { maxLength: 2 });
const absent = fc
  .constantFrom("unknown", "not-performed", "error")
  .map((code) => ({ system: ABSENT, code, display: "" }));
const steps = fc.nat(50_000).map((count) => ({
  code: { code: "55423-8" },
  value: { case: "integer" as const, value: BigInt(count) },
}));

/** What decides nothing. */
const details = fc.record(
  {
    alternativeCodes: codings,
    codeText: words,
    status: fc.integer({ min: 1, max: 7 }),
    interpretations: codings,
    referenceRanges: references,
    bodySite: coding,
    technique: coding,
    performer: words,
    notes: fc.array(words, { maxLength: 8 }),
    externalId: words,
    device: fc.record({ identifier: words, model: words }),
    method: fc.constantFrom(CaptureMethod.SENSED, CaptureMethod.CLINICIAN),
  },
  { requiredKeys: [] },
);

const code = (code: string, display: string, system = "") => ({ system, code, display });
const weight = code("29463-7", "Body weight");

const weightValue: fc.Arbitrary<Partial<Init>> = fc.oneof(
  kilograms.map((value) => ({ value: { case: "quantity", value } as Value })),
  range.map((value) => ({ value: { case: "range", value } as Value })),
  absent.map((dataAbsentReason) => ({ dataAbsentReason })),
  fc.tuple(kilograms, steps).map(([value, component]) => ({
    value: { case: "quantity", value } as Value,
    components: [component],
  })),
);

const mmHg = fc
  .integer({ min: 50, max: 200 })
  .map((value) => ({ case: "quantity" as const, value: { value: String(value), unit: "mm[Hg]" } }));
const panel = fc
  .tuple(mmHg, mmHg, codings, references, fc.boolean())
  .map(([high, low, interpretations, referenceRanges, plain]) => ({
    components: [
      { code: { code: "8480-6" }, value: high, ...(plain ? {} : { interpretations, referenceRanges }) },
      { code: { code: "8462-4" }, value: low },
    ],
  }));

const session = fc.tuple(steps, fc.array(fc.nat(1_000), { maxLength: 5 })).map(([summary, laps]) => ({
  durationMs: 3_600_000n,
  components: [summary],
  segments: laps
    .toSorted((a, b) => a - b)
    .map((at) => ({
      kind: { system: OWN, code: "lap" },
      startOffsetMs: at * 1_000,
      durationMs: 60_000,
      components: [summary],
    })),
}));

const kinds: fc.Arbitrary<Partial<Init>> = fc.oneof(
  { weight: 3, arbitrary: weightValue.map((value) => ({ code: weight, ...value })) },
  panel.map((value) => ({ code: code("85354-9", "BP"), ...value })),
  session.map((value) => ({ code: code("workout", "Run", OWN), ...value })),
  words.map((value) => ({
    code: code("wellbeing-note", "Diary", OWN),
    value: { case: "text", value } as Value,
  })),
  fc
    .boolean()
    .map((value) => ({ code: code("feels-ill", "Ill", OWN), value: { case: "boolean", value } as Value })),
  fc.nat(10).map((value) => ({
    code: code("wellbeing-score", "Score", OWN),
    value: { case: "integer", value: BigInt(value) } as Value,
  })),
);

/** Good observations with all that one can have, as a reader has to get them. Each has a time of its own. */
export function wholeObservations(count: number): Observation[] {
  const each = fc.tuple(kinds, details, fc.integer({ min: -720, max: 840 }));
  return fc.sample(each, { numRuns: count, seed: 10 }).map(([kind, more, utcOffsetMinutes], i) => {
    const granularity = kind.durationMs === undefined ? Granularity.INSTANT : Granularity.EPISODE;
    return create(ObservationSchema, {
      ...more,
      ...kind,
      effective: { case: "effectiveTime", value: timestampFromMs(START + i * 60_000) },
      utcOffsetMinutes,
      granularity,
    });
  });
}
