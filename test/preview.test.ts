/** A preview shows what the organization's own reads return: a real server, its decisions and its log. */
import { randomUUID } from "node:crypto";
import { toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate, querySeries } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { type PreviewedKind, PreviewService } from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import { SourcedSeriesSchema } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bandSeries, contribute, single } from "./fhir/fhir-scene.ts";

const T0 = Date.UTC(2026, 2, 1, 7);
const HOUR = 3_600_000;
const heart = "8867-4";
const weight = "29463-7";
const categories = ["heart", "body", "conditions"].map((name) => ({ name }));

/** Those who contribute, by their names, and the device of the watch; undefined: whoever it is. */
const sources = fc.option(fc.subarray(["Hospital", "Watch", "Band"] as const, { minLength: 1 }), {
  nil: undefined,
});

const provision = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      effect: fc.constant(Provision_Effect.PERMIT),
      directions: fc.constant([Direction.READ]),
      sources,
      categories: fc.subarray(categories, { minLength: 1 }),
      purposes: fc.subarray([Purpose.TREATMENT, Purpose.RESEARCH], { minLength: 1 }),
      resolution: fc.constantFrom(Resolution.RAW, Resolution.RAW, Resolution.DAILY),
      window: fc.option(fc.nat(3), { nil: undefined }).map((hours) =>
        hours === undefined
          ? { case: undefined }
          : {
              case: "capturedWithin" as const,
              value: { startTime: timestampFromMs(T0 + hours * HOUR) },
            },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      effect: fc.constant(Provision_Effect.DENY),
      directions: fc.constant([Direction.READ]),
      sources,
      categories: fc.subarray(categories, { minLength: 1, maxLength: 1 }),
      window: fc.constantFrom(
        { case: undefined },
        {
          case: "capturedWithin" as const,
          value: { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 2 * HOUR) },
        },
      ),
    }),
  },
);

describe("a preview", () => {
  const folder = temporaryFolder();
  let server: Server;
  let clinic: Company;
  let person: Person;
  /** Organizations that contribute, by their names. */
  const contributors = new Map<string, string>();
  /** The device of which the watch's data is, by the patient's own id. */
  let band = { organization: "", deviceId: "" };
  /** The patient, by the clinic's own id. */
  let known = "";

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    const hospital = await enrolCompany(server, "Hospital");
    const watch = await enrolCompany(server, "Watch");
    contributors.set("Hospital", hospital.organization).set("Watch", watch.organization);
    clinic = await enrolCompany(server, "Clinic");
    person = await enrolPerson(server, "Ada");
    await grant(person, hospital, Direction.CONTRIBUTE, ["heart", "body", "conditions"]);
    await grant(person, watch, Direction.CONTRIBUTE, ["heart"]);
    const patientOf = async ({ transport }: Company) =>
      (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
    const patient = await patientOf(hospital);
    await contribute(hospital, patient, {
      series: [bandSeries(heart, "/min", T0, ["60", "61.50", "62", "63", "64", "65"], HOUR)],
      observations: [single(weight, "kg", T0 + HOUR, "80.40"), single(weight, "kg", T0 + 4 * HOUR, "81")],
    });
    await contribute(watch, await patientOf(watch), {
      series: [bandSeries(heart, "/min", T0 - HOUR, ["90", "91", "92"], HOUR)],
    });
    const own = { patient: person.id, purpose: Purpose.PATIENT_REQUEST };
    const { series } = await createClient(RecordsService, person.transport).listSeries(own);
    const { source } = series.find((one) => one.source!.organization === watch.organization)!;
    band = { organization: watch.organization, deviceId: source!.deviceId };
    const condition = {
      resourceType: "Condition",
      code: { coding: [{ system: "http://snomed.info/sct", code: "38341003" }] },
      subject: { reference: `Patient/${patient.replace("_", "-")}` },
      onsetDateTime: "2026-03-01T09:00:00Z",
      clinicalStatus: {
        coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" }],
      },
    };
    await createClient(ClinicalRecordsService, hospital.transport).putClinicalRecord({
      patient,
      requestId: randomUUID(),
      write: { case: "create", value: { resource: JSON.stringify(condition) } },
    });
    await revoke(await grant(person, clinic, Direction.READ));
    known = await patientOf(clinic);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  const consents = () => createClient(ConsentService, person.transport);
  const revoke = (consent: string) => consents().revokeConsent({ consent });
  /** As a consent says it: contributors by their ids. */
  const termsOf = (drawn: readonly (typeof provision extends fc.Arbitrary<infer P> ? P : never)[]) =>
    drawn.map(({ sources: names, ...rest }) => {
      const organizations = names?.flatMap((name) => contributors.get(name) ?? []) ?? [];
      const devices = names?.includes("Band") ? [band] : [];
      return { ...rest, ...(names && { sources: { organizations, devices } }) };
    });
  const create = async (provisions: readonly object[]) => {
    const consent = { grantee: clinic.organization, provisions: provisions as never };
    return (await consents().createConsent({ requestId: randomUUID(), consent })).consent!.id;
  };

  async function preview(view: object, purpose = Purpose.TREATMENT) {
    const client = createClient(PreviewService, person.transport);
    return client.previewReads({ patient: person.id, purpose, view: view as never });
  }

  /** What the clinic's own reads return now: counts and first samples by code, and records by type. */
  async function read(purpose = Purpose.TREATMENT) {
    const records = createClient(RecordsService, clinic.transport);
    const asked = { patient: known, purpose };
    const refused = (error: unknown) => {
      const { reason } = problemOf(error as never);
      if (reason !== "CONSENT_REQUIRED" && reason !== "RESOLUTION_TOO_FINE") throw error;
      return [];
    };
    const series = await Array.fromAsync(
      paginate(
        (pageToken) => records.listSeries({ ...asked, pageToken }),
        (page) => page.series,
      ),
    ).catch(refused);
    const kinds = new Map<string, object>();
    for (const code of [heart, weight]) {
      const counts = series.filter((one) => one.code!.code === code).map(({ count = 0 }) => count);
      const query = { ...asked, code: { code }, pageSize: 3 };
      const [samples, { observations }] = await Promise.all([
        Array.fromAsync(querySeries(records, query)).catch(refused),
        records.listObservations({ ...asked, code: { code } }).catch(() => ({ observations: [] })),
      ]);
      const values = counts.reduce((sum, count) => sum + count, 0);
      if (values > 0) kinds.set(code, { values, observations: observations.length, first: firstOf(samples) });
    }
    const clinical = createClient(ClinicalRecordsService, clinic.transport);
    const found = await clinical.listClinicalRecords(asked).catch(() => ({ records: [] }));
    return { kinds, records: found.records.length };
  }

  const firstOf = (samples: readonly Parameters<typeof toJson<typeof SourcedSeriesSchema>>[1][]) =>
    samples
      .flatMap((one) => {
        const { series } = toJson(SourcedSeriesSchema, one) as never as { series: { decimals: object } };
        return [series.decimals];
      })
      .slice(0, 1);

  function shown({ kinds, records }: Awaited<ReturnType<typeof preview>>) {
    const seen = kinds.filter((kind) => kind.seen !== undefined);
    const amount = ({ seen: all, firstSamples }: PreviewedKind) => ({
      values: Number(all!.values),
      observations: Number(all!.observations),
      first: firstOf(firstSamples),
    });
    return {
      kinds: new Map(seen.map((kind) => [kind.code!.code, amount(kind)])),
      records: records.reduce((sum, one) => sum + Number(one.seen), 0),
    };
  }

  test("of a grant shows what the organization's reads return right after it, whatever it has already", async () => {
    let differing = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.array(provision, { minLength: 1, maxLength: 2 }), { nil: undefined }),
        fc.array(provision, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(Purpose.TREATMENT, Purpose.RESEARCH),
        async (before, next, purpose) => {
          const granted = before === undefined ? [] : [await create(termsOf(before))];
          const already = await read(purpose);
          const grant = { grantee: clinic.organization, provisions: termsOf(next) };
          const foreseen = await preview({ case: "grant", value: grant }, purpose);
          expect(await read(purpose)).toEqual(already);
          granted.push(await create(termsOf(next)));
          const returned = await read(purpose);
          expect(shown(foreseen)).toEqual(returned);
          const now = await preview({ case: "organization", value: clinic.organization }, purpose);
          expect(shown(now)).toEqual(returned);
          if (JSON.stringify([...returned.kinds]) !== JSON.stringify([...already.kinds])) differing++;
          await Promise.all(granted.map(revoke));
        },
      ),
      { numRuns: 4, seed: 74 },
    );
    // The terms are such that something happens.
    expect(differing).toBeGreaterThan(1);
  });

  test("of a request shows what accepting it so would show, and the organization learns nothing of it", async () => {
    const requests = createClient(ConsentRequestService, clinic.transport);
    const asked = {
      effect: Provision_Effect.PERMIT,
      directions: [Direction.READ],
      categories: [{ name: "heart" }, { name: "body" }],
      purposes: [Purpose.TREATMENT],
      resolution: Resolution.RAW,
    };
    const { consentRequest } = await requests.createConsentRequest({
      requestId: randomUUID(),
      consentRequest: {
        patient: known,
        provisions: [asked],
        validity: { endTime: timestampFromMs(Date.now() + 30 * 24 * HOUR) },
        why: "to see how it goes",
      },
    });
    const logOf = async ({ transport }: Company | Person) =>
      (await createClient(AuditService, transport).listAccesses({ pageSize: 500 })).accesses;
    const { id } = consentRequest!;
    const whole = await preview({ case: "acceptance", value: { consentRequest: id } });
    expect([...shown(whole).kinds.keys()].sort()).toEqual([weight, heart].sort());
    const narrow = { consentRequest: id, provisions: [{ ...asked, categories: [{ name: "body" }] }] };
    const narrowed = await preview({ case: "acceptance", value: narrow });
    expect([...shown(narrowed).kinds.keys()]).toEqual([weight]);
    expect(narrowed.kinds.find(({ code }) => code!.code === heart)!.held!.values).toBe(9n);
    // Its request, its own log, and what left for it by the patient's log, say nothing of it.
    expect((await requests.getConsentRequest({ consentRequest: id })).consentRequest).toEqual(consentRequest);
    await expect
      .poll(async () => (await logOf(person)).some(({ id: entry }) => entry === narrowed.access))
      .toBe(true);
    const entry = (await logOf(person)).find(({ id: one }) => one === narrowed.access)!.access!;
    expect(entry).toMatchObject({ organization: "", previewedOrganization: clinic.organization });
    const methods = (await logOf(clinic)).map(({ access }) => access!.method);
    expect(methods).toContain("wellapi.consent.v1.ConsentRequestService/CreateConsentRequest");
    expect(methods.filter((method) => method.includes("Preview"))).toEqual([]);
    const audit = createClient(AuditService, person.transport);
    const sums = async () =>
      (await audit.aggregateDisclosures({ organization: clinic.organization })).disclosures;
    const left = (await sums())[0]?.total?.reads;
    await preview({ case: "organization", value: clinic.organization });
    expect((await sums())[0]?.total?.reads).toBe(left);
    const theirs = createClient(PreviewService, clinic.transport);
    const view = { case: "organization" as const, value: clinic.organization };
    const asIfMe = theirs.previewReads({ patient: known, purpose: Purpose.TREATMENT, view });
    const refused = await asIfMe.catch((error: unknown) => problemOf(error as never).reason);
    expect(refused).toBe("CALLER_NOT_PERMITTED");
  });
});
