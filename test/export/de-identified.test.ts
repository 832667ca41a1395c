/** A registry exports what patients permit without their names, and only that. */
import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { Access_Outcome, type LoggedAccess } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { DeIdentification, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "../decided.ts";
import { bandSeries, contribute, single } from "../fhir/fhir-scene.ts";
import { keyOf } from "../surface/cases.ts";

const fewest = 11;
const T0 = Date.UTC(2026, 2, 1, 7);
const DAY = 86_400_000;
/** Single observations of the first patient. */
const longest = 600;

describe("a de-identified export", () => {
  const folder = temporaryFolder();
  let server: Server;
  let hospital: Company;
  let registry: Company;
  let people: Person[];
  let key = "";
  /** How often each patient was read by now. */
  let reads = 0;

  beforeAll(async () => {
    server = await startServer({ dataDir: folder.path, target: "one-process" });
    hospital = await enrolCompany(server, "Hospital");
    registry = await enrolCompany(server, "Registry");
    people = [];
    for (let at = 0; at < fewest - 1; at++) await addPerson(at);
    key = await keyOf(server, registry);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  /** Somebody with hypertension, who permits research without their name. The first has a rare disease, too. */
  async function addPerson(at: number): Promise<void> {
    const person = await enrolPerson(server, `Person ${at}`);
    people.push(person);
    await grant(person, hospital, Direction.CONTRIBUTE, ["conditions", "heart"]);
    await createClient(ConsentService, person.transport).createConsent({
      requestId: randomUUID(),
      consent: {
        grantee: registry.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.READ],
            categories: [{ name: "conditions" }, { name: "heart" }],
            purposes: [Purpose.RESEARCH],
            resolution: Resolution.RAW,
            deIdentification: DeIdentification.SAFE_HARBOR,
          },
        ],
      },
    });
    const known = await createClient(ConsentService, hospital.transport).listConsents({ pageSize: 1 });
    const { patient } = known.consents[0]!;
    await contribute(hospital, patient, {
      series: [bandSeries("8867-4", "/min", T0 + at * DAY, ["60", "61.50", "62"])],
      // The first has more than a page holds.
      observations: Array.from({ length: at === 0 ? longest : 1 }, (_, minute) => ({
        ...single("8867-4", "/min", T0 + minute * 60_000, "98.60"),
        notes: ["Ada lives in St James Square"],
        performer: "Dr. James",
        codeText: "Ada's heart",
        externalId: "MRN-0042",
      })),
    });
    for (const code of at === 0 ? ["I10", "E75.2"] : ["I10"]) {
      const resource = {
        resourceType: "Condition",
        subject: { reference: `Patient/${patient.replace("_", "-")}`, display: "Ada Lovelace" },
        code: { coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code }], text: "Ada's" },
        onsetDateTime: "2020-05-05",
        note: [{ text: "lives in St James Square" }],
      };
      await createClient(ClinicalRecordsService, hospital.transport).putClinicalRecord({
        patient,
        write: { case: "create", value: { resource: JSON.stringify(resource) } },
      });
    }
  }

  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetchDecided(
      path.startsWith("http") ? server.http + new URL(path).pathname : `${server.http}/fhir/R4${path}`,
      {
        headers: { "x-api-key": key, "x-purpose-of-use": "HRESCH", ...headers },
      },
    );

  async function begin(query = "?_type=Condition&_deIdentified=true"): Promise<string> {
    const answer = await ask(`/Patient/$export${query}`, { prefer: "respond-async" });
    expect(answer.status).toBe(202);
    return answer.headers.get("content-location")!;
  }

  async function fileOf(status: string): Promise<string> {
    const { output } = (await (await ask(status)).json()) as { output: { url: string }[] };
    expect(output).toHaveLength(1);
    const answer = await ask(output[0]!.url);
    const text = await answer.text();
    // The first patient's observations take two pages, between their records and their samples.
    reads += output[0]!.url.includes("/Observation.") ? 4 : 1;
    // What went wrong, where something did.
    expect([answer.status, answer.status === 200 ? "" : text]).toEqual([200, ""]);
    return text;
  }

  /** Of the export. What could not be decided for a moment was asked once more, and is told as such. */
  const readsAmong = (accesses: readonly LoggedAccess[]): readonly LoggedAccess[] =>
    accesses.filter(
      ({ access }) =>
        access!.method.endsWith("/ReadDeIdentified") && access!.outcome === Access_Outcome.PERMITTED,
    );

  test("is withheld while fewer than 11 patients permit it", async () => {
    const answer = await ask(await begin());
    const { issue } = (await answer.json()) as { issue: { details: { coding: { code: string }[] } }[] };
    expect([answer.status, issue[0]!.details.coding[0]!.code]).toEqual([403, "SMALL_GROUP"]);
    await addPerson(fewest);
  }, 60_000);

  test("holds codes and moved dates, no names, no rare disease, and ids of its own", async () => {
    const [status, other] = [await begin(), await begin()];
    const [text, elsewhere] = [await fileOf(status), await fileOf(other)];
    // biome-ignore lint/suspicious/noExplicitAny: resources
    const lines: any[] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(fewest);
    expect(text).not.toMatch(/Ada|James|E75|2020-05-05/);
    expect(new Set(lines.map(({ subject }) => subject.reference)).size).toBe(fewest);
    expect(new Set(lines.map(({ onsetDateTime }) => onsetDateTime)).size).toBeGreaterThan(1);
    const known = (await createClient(ConsentService, registry.transport).listConsents({ pageSize: 100 }))
      .consents;
    for (const { patient } of known) expect(text).not.toContain(patient.slice(4));
    // Two exports have no id in common, so that they cannot be joined.
    for (const { id, subject } of lines) {
      expect(elsewhere).not.toContain(id);
      expect(elsewhere).not.toContain(subject.reference.slice("Patient/pat-".length));
    }
  }, 60_000);

  test("of some elements leaves out the others, too", async () => {
    const text = await fileOf(await begin("?_type=Condition&_deIdentified=true&_elements=code"));
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(fewest);
    for (const line of lines) {
      // `subject` is an element without which a Condition is none.
      expect(Object.keys(JSON.parse(line)).sort()).toEqual(["code", "id", "meta", "resourceType", "subject"]);
    }
  }, 60_000);

  test("holds what devices have measured: numbers, units and moved days, and nothing of who was measured", async () => {
    const text = await fileOf(await begin("?_type=Observation&_deIdentified=true"));
    // biome-ignore lint/suspicious/noExplicitAny: resources
    const lines: any[] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const sampled = lines.filter(({ valueSampledData }) => valueSampledData !== undefined);
    expect(sampled).toHaveLength(fewest);
    expect(new Set(sampled.map(({ valueSampledData: { data, period } }) => `${data} ${period}`))).toEqual(
      new Set(["60.00 61.50 62.00 60000"]),
    );
    expect(text).toContain('"value":98.60');
    expect(lines).toHaveLength(fewest + longest + fewest - 1);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    expect(new Set(lines.map(({ subject }) => subject.reference)).size).toBe(fewest);
    expect(text).not.toMatch(/Ada|James|MRN|serial|scale-9|Band|Scale|device|performer|T07|T08/);
    for (const { resourceType, id, status, code, subject, ...told } of lines) {
      expect(["effectiveDateTime", "effectivePeriod"]).toContain(Object.keys(told)[0]);
      expect(Object.keys(told)).toHaveLength(2);
    }
  }, 120_000);

  test("does not tell by the number of reads whose record is the longest", async () => {
    const readsOf = () =>
      Promise.all(
        people.map(async ({ transport }) => {
          const { accesses } = await createClient(AuditService, transport).listAccesses({ pageSize: 1_000 });
          return readsAmong(accesses).length;
        }),
      );
    await fileOf(await begin("?_type=Observation&_deIdentified=true"));
    // The log lists what was read a moment later.
    await expect.poll(readsOf, { timeout: 30_000 }).toEqual(people.map(() => reads));
  }, 120_000);

  test("permits no other read: not with a name, and not of one patient", async () => {
    const { consents } = await createClient(ConsentService, registry.transport).listConsents({
      pageSize: 100,
    });
    const { patient } = consents[0]!;
    const search = await ask(`/Condition?patient=${patient.replace("_", "-")}`);
    expect(await search.text()).not.toContain("I10");
    const named = (await (await ask(await begin("?_type=Condition"))).json()) as { output: unknown[] };
    expect(named.output).toEqual([]);
    const id = (await begin()).split("/").at(-1)!;
    const asked = { export: id, patient, purpose: Purpose.RESEARCH, type: "Condition" };
    for (const transport of [registry.transport, people[0]!.transport]) {
      const refused = await createClient(ExportService, transport)
        .readDeIdentified(asked)
        .then(
          () => "read",
          (error: unknown) => problemOf(error as never).reason,
        );
      expect(refused).toBe("CALLER_NOT_PERMITTED");
    }
  }, 60_000);

  test("shows the patient that it was read, and does not show the registry what of whom", async () => {
    const own = await createClient(AuditService, people[1]!.transport).listAccesses({ pageSize: 1_000 });
    const reads = readsAmong(own.accesses);
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.every(({ access }) => access!.items === 0 && access!.codes.length === 0)).toBe(true);
    expect(reads[0]!.access!.consents).toHaveLength(1);
  });

  test("leaves out who revokes, and is withheld once too few are left", async () => {
    const status = await begin();
    const consents = createClient(ConsentService, people[2]!.transport);
    const given = (await consents.listConsents({ grantee: registry.organization })).consents[0]!;
    await consents.revokeConsent({ consent: given.id });
    expect((await ask(status)).status).toBe(403);
  });
});
