import { clone, create, toJson } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type FhirFormat, type FhirResource, formatResource, parseResource } from "@wellapi/fhir-r4";
import {
  type Consent,
  Consent_State,
  ConsentSchema,
  DeIdentification,
  Mask,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { CaptureMethod, Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FhirServiceError } from "../../src/errors.ts";
import { consentResource } from "../../src/mapping/consent-convert.ts";
import { limitUrls } from "../../src/mapping/consent-limits-convert.ts";
import { filedConsent, filedFindings } from "../../src/mapping/filed-consent-convert.ts";

const base = "https://exchange.example/fhir/R4";
const id = (prefix: string, digit = "0") => `${prefix}_${digit.repeat(26)}`;
const patient = id("pat");

const instant = fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => timestampFromMs(ms));
const interval = fc.oneof(
  fc.record({ startTime: instant }),
  fc.record({ endTime: instant }),
  fc.tuple(fc.nat(3_000_000_000), fc.integer({ min: 1, max: 9_000_000_000 })).map(([start, length]) => {
    return { startTime: timestampFromMs(start), endTime: timestampFromMs(start + length) };
  }),
);
const organization = fc.constantFrom(id("org", "1"), id("org", "2"), id("org", "3"));
const sources = fc.record({
  organizations: fc.uniqueArray(organization, { maxLength: 2 }),
  devices: fc.array(fc.record({ organization, deviceId: fc.constantFrom(id("dev", "4"), id("dev", "5")) }), {
    maxLength: 2,
  }),
  methods: fc.subarray([CaptureMethod.SENSED, CaptureMethod.SELF_REPORTED, CaptureMethod.CLINICIAN]),
});
const isSome = (one: { organizations: unknown[]; devices: unknown[]; methods: unknown[] }) =>
  one.organizations.length + one.devices.length + one.methods.length > 0;
const window = fc.oneof(
  interval.map((value) => ({ case: "capturedWithin" as const, value })),
  fc.integer({ min: 1, max: 3_000_000_000_000 }).map((ms) => {
    return { case: "capturedInLast" as const, value: durationFromMs(ms) };
  }),
);
const provision = fc.record(
  {
    effect: fc.constantFrom(Provision_Effect.PERMIT, Provision_Effect.DENY),
    directions: fc.subarray([Direction.CONTRIBUTE, Direction.READ], { minLength: 1 }),
    categories: fc.array(
      fc.record({ name: fc.constantFrom("heart", "sleep"), version: fc.nat({ max: 3 }) }),
      { minLength: 1, maxLength: 2 },
    ),
    purposes: fc.subarray([1, 2, 3, 4, 5, 6, 7, 8], { maxLength: 3 }),
    resolution: fc.constantFrom(Resolution.UNSPECIFIED, Resolution.RAW, Resolution.HOURLY, Resolution.DAILY),
    window,
    sources: sources.filter(isSome),
    masks: fc.subarray([Mask.DEVICE, Mask.NOTES, Mask.PERFORMER]),
    deIdentification: fc.constantFrom(DeIdentification.UNSPECIFIED, DeIdentification.SAFE_HARBOR),
    regions: fc.subarray(["eu", "us"]),
  },
  { requiredKeys: ["effect", "directions", "categories"] },
);
const consents = fc
  .record(
    {
      grantee: organization,
      provisions: fc.array(provision, { minLength: 1, maxLength: 3 }),
      validity: interval,
      notice: fc.record({
        uri: fc.constant("https://clinic.example/notice"),
        language: fc.constantFrom("", "de-CH"),
        sha256: fc.constantFrom("", "ab".repeat(32)),
      }),
    },
    { requiredKeys: ["grantee", "provisions"] },
  )
  .map((one) => create(ConsentSchema, one));

/** As it is told of a consent in force. */
function told(terms: Consent): FhirResource {
  const consent = clone(ConsentSchema, terms);
  Object.assign(consent, { id: id("con"), patient, version: 3, createTime: timestampFromMs(1) });
  consent.state = Consent_State.ACTIVE;
  return consentResource(consent);
}

const whole = create(ConsentSchema, {
  grantee: id("org", "1"),
  provisions: [
    {
      effect: Provision_Effect.PERMIT,
      directions: [Direction.READ],
      categories: [{ name: "heart", version: 1 }],
      purposes: [1],
      resolution: Resolution.RAW,
      masks: [Mask.NOTES],
      window: { case: "capturedInLast", value: durationFromMs(30 * 86_400_000) },
    },
  ],
  validity: { endTime: timestampFromMs(4_000_000_000_000) },
});

/** Where it is refused. */
function refusedAt(resource: object): readonly (string | undefined)[] {
  try {
    filedConsent(resource as FhirResource, base);
    return [];
  } catch (error) {
    if (!(error instanceof FhirServiceError)) throw error;
    return error.findings.map(({ expression }) => expression);
  }
}

describe("a consent as FHIR has it", () => {
  test("files again to the terms of which it was told, in either format", () => {
    const property = fc.property(consents, fc.constantFrom<FhirFormat>("json", "xml"), (terms, format) => {
      const sent = parseResource(formatResource(told(terms), format), format);
      const filed = filedConsent(sent, base);
      expect(filed.patient).toBe(patient);
      expect(toJson(ConsentSchema, create(ConsentSchema, filed.consent))).toEqual(
        toJson(ConsentSchema, terms),
      );
    });
    fc.assert(property, { numRuns: 200 });
  });

  const at = "Consent.provision.provision[0]";
  const first = (change: object) => {
    const resource = told(whole) as never as { provision: { provision: object[] } };
    const { provision: root } = resource;
    return { ...resource, provision: { ...root, provision: [{ ...root.provision[0], ...change }] } };
  };
  const extended = (extension: object) => {
    const { extension: known } = (
      told(whole) as never as { provision: { provision: { extension: object[] }[] } }
    ).provision.provision[0]!;
    return first({ extension: [...known, extension] });
  };
  const root = (change: object) => ({
    ...told(whole),
    provision: { ...(told(whole).provision as object), ...change },
  });
  const other = { role: { coding: [{ code: "PRCP" }] }, reference: { reference: "Patient/x" } };

  test.each<[string, object, string]>([
    ["a narrative", { ...told(whole), text: { status: "generated", div: "<div/>" } }, "Consent.text"],
    ["a modifier", { ...told(whole), modifierExtension: [{ url: "x" }] }, "Consent.modifierExtension"],
    [
      "a document",
      { ...told(whole), sourceReference: { reference: "DocumentReference/1" } },
      "Consent.sourceReference.reference",
    ],
    ["one that has ended", { ...told(whole), status: "inactive" }, "Consent.status"],
    ["one that is proposed and begins at once", { ...told(whole), status: "proposed" }, "Consent.status"],
    [
      "another scope",
      { ...told(whole), scope: { coding: [{ system: "x", code: "research" }] } },
      "Consent.scope",
    ],
    [
      "another policy",
      { ...told(whole), policyRule: { coding: [{ code: "OPTOUT" }] } },
      "Consent.policyRule",
    ],
    ["somebody who is not here", { ...told(whole), patient: { reference: "Patient/1" } }, "Consent.patient"],
    ["a root that permits", root({ type: "permit" }), "Consent.provision.type"],
    ["a root with an actor", root({ actor: [other] }), "Consent.provision.actor"],
    ["an end without a time of day", root({ period: { end: "2030-01-01" } }), "Consent.provision.period.end"],
    ["no provision", root({ provision: undefined }), "Consent.provision.provision"],
    ["a provision within", first({ provision: [{ type: "deny" }] }), `${at}.provision`],
    ["labels of security", first({ securityLabel: [{ code: "R" }] }), `${at}.securityLabel`],
    ["a resource by name", first({ data: [{ meaning: "instance" }] }), `${at}.data`],
    ["a class of resources", first({ class: [{ code: "Observation" }] }), `${at}.class`],
    ["two actors", first({ actor: [other, other] }), `${at}.actor`],
    ["another action", first({ action: [{ coding: [{ code: "disclose" }] }] }), `${at}.action[0]`],
    ["a purpose of another system", first({ purpose: [{ system: "x", code: "TREAT" }] }), `${at}.purpose[0]`],
    ["a code of two codings", first({ code: [{ coding: [{ code: "a" }, { code: "b" }] }] }), `${at}.code[0]`],
    [
      "a LOINC code",
      first({ code: [{ coding: [{ system: "http://loinc.org", code: "8867-4" }] }] }),
      `${at}.code[0]`,
    ],
    ["two windows", first({ dataPeriod: { start: "2030-01-01T00:00:00Z" } }), `${at}.dataPeriod`],
    ["an unknown extension", extended({ url: "https://x.example/only-on-mondays" }), `${at}.extension[4]`],
    ["what could not be told", extended({ url: limitUrls.untold, valueBoolean: true }), `${at}.extension[4]`],
    ["a mask that is not known", extended({ url: limitUrls.mask, valueCode: "names" }), `${at}.extension[4]`],
    ["two resolutions", extended({ url: limitUrls.resolution, valueCode: "daily" }), `${at}.extension[4]`],
    [
      "further limits of an earlier release, which did not tell them",
      first({ extension: [{ url: limitUrls.further, valueBoolean: true }] }),
      `${at}.extension`,
    ],
    [
      "a device in another's record",
      extended({
        url: limitUrls.sourceDevice,
        extension: [
          { url: "organization", valueReference: { reference: `Organization/org-${"1".repeat(26)}` } },
          { url: "device", valueReference: { reference: `Device/${"7".repeat(26)}.dev-${"4".repeat(26)}` } },
        ],
      }),
      `${at}.extension[4]`,
    ],
  ])("is refused with %s, which says where", (_, resource, expression) => {
    expect(refusedAt(resource)).toContain(expression);
  });

  test("is for one organization", () => {
    const two = clone(ConsentSchema, whole);
    two.provisions.push(...whole.provisions);
    const resource = JSON.parse(JSON.stringify(told(two)));
    resource.provision.provision[1].actor[0].reference.reference = `Organization/org-${"2".repeat(26)}`;
    expect(refusedAt(resource)).toEqual(["Consent.provision.provision"]);
    expect(refusedAt(told(two))).toEqual([]);
  });

  test("tells what cannot be told that it cannot, and it is not filed", () => {
    const strange = clone(ConsentSchema, whole);
    strange.provisions[0]!.masks = [9 as Mask];
    expect(refusedAt(told(strange))).not.toEqual([]);
    const unknown = clone(ConsentSchema, whole);
    unknown.provisions[0]!.effect = Provision_Effect.UNSPECIFIED;
    expect(refusedAt(told(unknown))).not.toEqual([]);
  });

  test("is told where it stands in it what the consent service refuses", () => {
    const fields = [
      "consent.provisions[2].purposes[0]",
      "consent.provisions[1].captured_in_last",
      "consent.provisions",
      "consent.validity.end_time",
      "consent.notice.uri",
      "patient",
    ];
    const found = filedFindings(fields.map((field) => ({ field, description: "is wrong", reason: "x" })));
    expect(found.map(({ expression }) => expression)).toEqual([
      "Consent.provision.provision[2].purpose",
      "Consent.provision.provision[1].extension",
      "Consent",
      "Consent.provision.period",
      "Consent.sourceReference",
      "Consent.patient",
    ]);
  });
});
