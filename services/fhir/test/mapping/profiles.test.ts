/** What the exchange makes of measurements, by the profiles that its CapabilityStatement names. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FhirResource, profileOf, validate } from "@wellapi/fhir-r4";
import { SourcedSeriesSchema, StoredObservationSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { expect, test } from "vitest";
import { observationOf } from "../../src/mapping/observation-convert.ts";
import { seriesObservationsOf } from "../../src/mapping/series-convert.ts";

const bits = "0123456789abcdefghjkmnpqrs";
const view = { patient: `pat_${bits}`, base: "https://x.example/fhir/R4" };
const at = Date.UTC(2026, 2, 1, 7);
const source = { organization: `org_${bits}`, deviceId: `dev_${bits}`, deviceModel: "Band" };

const r4 = "http://hl7.org/fhir/StructureDefinition";
const usCore = "http://hl7.org/fhir/us/core/StructureDefinition";
const patientAccess = "http://hl7.org/fhir/uv/ipa/StructureDefinition/ipa-observation";

const quantity = (value: string, unit: string) => ({ case: "quantity", value: { value, unit } }) as const;

function single(code: string, content: object): FhirResource {
  const effective = { case: "effectiveTime", value: timestampFromMs(at) } as const;
  const observation = { code: { code }, effective, utcOffsetMinutes: 60, ...content };
  return observationOf(view, create(StoredObservationSchema, { id: `obs_${bits}_3`, observation, source }));
}

/** Samples, which are evenly spaced or not. */
function samples(code: string, unit: string, gapsMs: readonly number[]): FhirResource {
  const values = Array.from({ length: gapsMs.length + 1 }, (_, index) => String(60 + index));
  const found = create(SourcedSeriesSchema, {
    series: {
      code: { code },
      unit,
      times: {
        start: { case: "startTime", value: timestampFromMs(at) },
        spacing: { case: "gaps", value: { gapsMs: [...gapsMs] } },
      },
      values: { case: "decimals", value: { values } },
    },
    source,
  });
  return seriesObservationsOf(view, [found])[0]!.resource;
}

/** What is wrong with it by a profile, as places. */
function faultsOf(resource: FhirResource, profile: string): readonly unknown[] {
  return validate(resource, [profileOf(profile)!])
    .filter(({ severity }) => severity === "error")
    .map(({ expression }) => expression);
}

const part = (code: string, value: string) => ({ code: { code }, value: quantity(value, "mm[Hg]") });

const measured: readonly (readonly [code: string, content: object, own: string, ofUsCore: string])[] = [
  ["8867-4", { value: quantity("61", "/min") }, "heartrate", "us-core-heart-rate"],
  ["9279-1", { value: quantity("14", "/min") }, "resprate", "us-core-respiratory-rate"],
  ["29463-7", { value: quantity("70.50", "kg") }, "bodyweight", "us-core-body-weight"],
  ["8302-2", { value: quantity("171", "cm") }, "bodyheight", "us-core-body-height"],
  ["39156-5", { value: quantity("24.1", "kg/m2") }, "bmi", "us-core-bmi"],
  ["8310-5", { value: quantity("36.60", "Cel") }, "bodytemp", "us-core-body-temperature"],
  ["59408-5", { value: quantity("97", "%") }, "oxygensat", "us-core-pulse-oximetry"],
  ["85354-9", { components: [part("8480-6", "120"), part("8462-4", "80")] }, "bp", "us-core-blood-pressure"],
];

test.each(measured)("a measurement of %s is as HL7's profiles ask", (code, content, own, ofUsCore) => {
  const resource = single(code, content);
  for (const profile of [`${r4}/vitalsigns`, `${r4}/${own}`, `${usCore}/${ofUsCore}`, patientAccess]) {
    expect([profile, faultsOf(resource, profile)]).toEqual([profile, []]);
  }
  // They would tell: another's profile does.
  const another = code === "8310-5" ? "us-core-bmi" : "us-core-body-temperature";
  expect(faultsOf(resource, `${usCore}/${another}`)).toContain("Observation.code");
});

test("samples that come one by one are as the profiles ask; evenly spaced ones are no quantity", () => {
  const uneven = samples("8867-4", "/min", [60_000, 1_000]);
  expect(uneven.valueQuantity).toBeDefined();
  expect(faultsOf(uneven, `${usCore}/us-core-heart-rate`)).toEqual([]);
  const even = samples("8867-4", "/min", [60_000, 60_000]);
  expect(even.valueSampledData).toBeDefined();
  for (const profile of [`${r4}/heartrate`, `${usCore}/us-core-heart-rate`]) {
    expect(new Set(faultsOf(even, profile))).toEqual(new Set(["Observation.value"]));
  }
  for (const profile of [`${r4}/vitalsigns`, `${usCore}/us-core-vital-signs`, patientAccess]) {
    expect(faultsOf(even, profile)).toEqual([]);
  }
});

test("oxygen by pulse oximetry has the general code beside its own, once", () => {
  const general = { system: "http://loinc.org", code: "2708-6" };
  const codings = (content: object) => JSON.stringify(single("59408-5", content).code);
  for (const content of [{}, { alternativeCodes: [general] }]) {
    const written = codings({ value: quantity("97", "%"), ...content });
    expect(written.match(/59408-5|2708-6/g)).toEqual(["59408-5", "2708-6"]);
  }
  const otherSystem = codings({ alternativeCodes: [{ ...general, system: "urn:x" }] });
  expect(otherSystem.match(/2708-6/g)).toHaveLength(2);
});
