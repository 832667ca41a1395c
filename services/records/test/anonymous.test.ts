/** What a research export tells of measurements: numbers, codes, units and moved days. Whatever else a sender wrote stays behind. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Anonymity, deIdentified, type FhirResource, formatJson } from "@wellapi/fhir-r4";
import { ObservationSchema, ObservationStatus } from "@wellapi/gen/wellapi/type/v1/observation_pb";
import type { Columns } from "@wellapi/series";
import { shippedTerminology } from "@wellapi/terminology";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { observationResource, sampleResources } from "../src/door/anonymous-convert.ts";
import { observationContent } from "../src/door/observation-convert.ts";
import type { Provenance } from "../src/model/provenance.ts";

const patient = `pat_${"1".repeat(26)}`;
const anonymity: Anonymity = {
  pseudonym: (id) => `${id.slice(0, 4)}${"0".repeat(26)}`,
  shiftDays: -3,
  year: 2026,
};
const T0 = Date.UTC(2026, 2, 1, 22, 30);
const MINUTE = 60_000;

/** Of the 18 identifiers of 45 CFR 164.514(b)(2)(i) those that are texts. */
const identifier = fc.constantFrom(
  "Ada Lovelace",
  "12 St James Square, 94110",
  "+1 415 555 0100",
  "ada@example.org",
  "078-05-1120",
  "MRN-0042",
  "7ABC123",
  "SN-555",
  "https://ada.example/",
  "192.0.2.7",
);
const own = fc.record({ system: fc.constantFrom("urn:clinic", ""), code: identifier, display: identifier });
const quantity = fc.record({
  value: fc.constantFrom("72.50", "-0.1", "120"),
  unit: fc.constantFrom("/min", "mm[Hg]"),
});

const provenance = (text: string): Provenance => ({
  organization: text,
  application: text,
  device: text,
  model: text,
  method: 1,
  granularity: 0,
  received: T0,
  consent: text,
  version: 1,
});

/** An observation whose sender wrote who the patient is wherever there is room for a text. */
const sent = fc
  .record({ text: identifier, coding: own, quantity, minutes: fc.nat(100_000) })
  .chain((planted) => {
    const { text, coding } = planted;
    const number = { case: "quantity", value: planted.quantity } as const;
    const component = {
      code: { code: "8480-6", display: text },
      interpretations: [coding],
      referenceRanges: [{ text, appliesTo: [coding] }],
    };
    const value = fc.constantFrom(
      number,
      { case: "text", value: text } as const,
      { case: "coded", value: coding } as const,
      { case: "integer", value: 7n } as const,
      { case: "boolean", value: true } as const,
      { case: undefined } as const,
    );
    return fc.record({ value, inside: value }).map(({ value: whole, inside }) =>
      create(ObservationSchema, {
        code: { code: "8867-4", display: text },
        effective: { case: "effectiveTime", value: timestampFromMs(T0 + planted.minutes * MINUTE) },
        durationMs: BigInt(planted.minutes % 3),
        utcOffsetMinutes: 60,
        value: whole,
        components: [{ ...component, value: inside }],
        device: { identifier: text, model: text },
        alternativeCodes: [coding],
        codeText: text,
        dataAbsentReason: coding,
        status: ObservationStatus.FINAL,
        interpretations: [coding],
        referenceRanges: [{ text, appliesTo: [coding] }],
        bodySite: coding,
        technique: coding,
        performer: text,
        notes: [text],
        externalId: text,
        segments: [{ kind: coding, components: [{ ...component, value: inside }] }],
      }),
    );
  });

const told = (resource: FhirResource | undefined) =>
  resource === undefined ? undefined : deIdentified(resource, anonymity);

const stored = (observation: Parameters<typeof observationContent>[0], text = "org_1") => ({
  batch: "bat_secret",
  sequence: 1,
  record: { ...observationContent(observation, undefined), item: 3, provenance: provenance(text) },
});

const names =
  /^(resourceType|id|status|code|subject|effectiveDateTime|effectivePeriod|value[A-Z]\w+|interpretation|component)$/;

describe("a single observation in a de-identified export", () => {
  test("has nothing of what its sender wrote about the patient, in whatever field", () => {
    fc.assert(
      fc.property(sent, identifier, (observation, text) => {
        const made = observationResource(shippedTerminology, patient, stored(observation, text));
        // Already before the walk over HL7's definitions, which would leave it behind, too.
        expect(Object.keys(made ?? {}).filter((name) => !names.test(name))).toEqual([]);
        expect(JSON.stringify(made ?? {})).not.toMatch(/"(display|text|unit|appliesTo|referenceRange)"/);
        const resource = told(made);
        const json = resource === undefined ? "{}" : formatJson(resource);
        for (const part of [
          "Ada",
          "James",
          "415",
          "example",
          "078",
          "MRN",
          "7ABC",
          "SN-",
          "192.0",
          "bat_",
          "111",
        ])
          expect(json).not.toContain(part);
        expect(json).not.toMatch(/display|"text"|"unit"|performer|device|note|2026-03-01T/);
        expect(Object.keys(JSON.parse(json)).filter((name) => !names.test(name))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  const observation = create(ObservationSchema, {
    code: { code: "8867-4" },
    effective: { case: "effectiveTime", value: timestampFromMs(T0) },
    utcOffsetMinutes: 120,
    value: { case: "quantity", value: { value: "72.50", unit: "/min" } },
    interpretations: [
      {
        system: "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        code: "H",
        display: "High",
      },
    ],
    notes: ["Ada's"],
  });

  test("has the code, the digits and the unit, how it was judged, and the moved day of the patient's own calendar", () => {
    const resource = told(observationResource(shippedTerminology, patient, stored(observation)));
    expect(JSON.parse(formatJson(resource!))).toEqual({
      resourceType: "Observation",
      id: `rec-${"0".repeat(26)}`,
      status: "final",
      code: { coding: [{ system: "http://loinc.org", code: "8867-4" }] },
      subject: { reference: `Patient/pat-${"0".repeat(26)}` },
      // At half past midnight there, on the 2nd, less three days.
      effectiveDateTime: "2026-02-27",
      interpretation: [
        {
          coding: [
            { system: "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", code: "H" },
          ],
        },
      ],
      valueQuantity: { value: 72.5, system: "http://unitsofmeasure.org", code: "/min" },
    });
    expect(formatJson(resource!)).toContain("72.50");
  });

  test("is left out where its sender has withdrawn it, or its value is a text", () => {
    for (const change of [
      { status: ObservationStatus.ENTERED_IN_ERROR },
      { value: { case: "text", value: "Ada" } as const },
    ]) {
      const one = create(ObservationSchema, { ...observation, ...change });
      expect(observationResource(shippedTerminology, patient, stored(one))).toBeUndefined();
    }
  });

  test("has an id by which nobody finds its neighbours", () => {
    const ids = [3, 4].map((item) => {
      const one = stored(observation);
      return observationResource(shippedTerminology, patient, { ...one, record: { ...one.record, item } })!
        .id as string;
    });
    expect(ids[0]).toMatch(/^rec-[0-9a-z]{26}$/);
    expect(ids[0]!.slice(0, 12)).not.toBe(ids[1]!.slice(0, 12));
  });
});

describe("samples in a de-identified export", () => {
  const source = provenance("SN-555");
  const runOf = (columns: Columns) => ({
    code: "8867-4",
    series: "ser_secret",
    run: { source, columns, sequence: 1 },
  });
  const columns = (times: readonly number[]): Columns => ({
    times: Float64Array.from(times),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "/min",
    values: { kind: "decimal", scale: 2, mantissas: Float64Array.from(times, (_, at) => 6000 + at) },
  });
  const shown = (one: Columns) =>
    [...sampleResources(shippedTerminology, patient, runOf(one))].map(({ from, resource }) => ({
      from,
      resource: told(resource)!,
    }));

  test("are SampledData of one day where they are evenly spaced, and else one by one", () => {
    const even = [0, 1, 2, 3].map((at) => T0 + at * MINUTE);
    const uneven = [T0 + 7 * MINUTE, T0 + 20 * MINUTE];
    const found = shown(columns([...even, ...uneven]));
    expect(found.map(({ from }) => from)).toEqual([0, 4, 5]);
    expect(JSON.parse(formatJson(found[0]!.resource))).toMatchObject({
      effectivePeriod: { start: "2026-02-26", end: "2026-02-26" },
      valueSampledData: { period: MINUTE, dimensions: 1, data: "60.00 60.01 60.02 60.03" },
    });
    expect(found[1]!.resource.effectiveDateTime).toBe("2026-02-26");
    expect(found.map(({ resource }) => JSON.stringify(resource)).join()).not.toMatch(/SN-|ser_|1{9}|T22/);
  });

  test("are all told once, whatever their times are", () => {
    const gaps = fc.array(fc.constantFrom(1_000, 1_000, 1_000, MINUTE, 90 * MINUTE), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(gaps, (spaces) => {
        let last = T0;
        const all = columns(spaces.map((gap) => (last += gap)));
        const texts = shown(all).flatMap(({ resource }) => {
          const { valueSampledData: sampled, valueQuantity: one } = JSON.parse(formatJson(resource));
          return sampled === undefined ? [Number(one.value)] : sampled.data.split(" ").map(Number);
        });
        expect(texts).toEqual(spaces.map((_, at) => (6000 + at) / 100));
      }),
    );
  });

  test("have the stages of sleep as codes, and none that the sender made up", () => {
    const stage = shippedTerminology.codes.flatMap((one) => {
      const { values = [], valueSystem = "" } = one as {
        values?: readonly { code: string }[];
        valueSystem?: string;
      };
      return values.map(({ code }) => ({ system: valueSystem, code }));
    })[0]!;
    const coded: Columns = {
      ...columns([T0, T0 + MINUTE]),
      unit: "",
      values: {
        kind: "coded",
        dictionary: [
          { ...stage, display: "Ada" },
          { system: "urn:clinic", code: "Ada" },
        ],
        indexes: Uint32Array.of(0, 1),
      },
    };
    const [first, second] = shown(coded).map(({ resource }) => resource);
    expect(JSON.stringify([first, second])).not.toContain("Ada");
    expect(first).toHaveProperty("valueCodeableConcept.coding.0.code", stage.code);
    expect(second).not.toHaveProperty("valueCodeableConcept");
  });
});
