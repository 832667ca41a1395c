/** Clinical records over a server that is killed in the middle of its commits, under the real consents. */
import { createClient } from "@connectrpc/connect";
import { clinicalBatchesOf, listClinicalRecords } from "@wellapi/client";
import { companyAt, enrolCompany, enrolPerson, personAt } from "@wellapi/demo/people";
import { startServer, temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import {
  type ClinicalBatch,
  ClinicalOutcome_Status,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, expect, test } from "vitest";

const perBatch = 5;
const folder = temporaryFolder();
const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
  folder.remove();
});

function condition(patient: string, batch: number, item: number): string {
  return JSON.stringify({
    resourceType: "Condition",
    identifier: [{ system: "https://h.example/ids", value: `${batch}-${item}` }],
    code: {
      coding: [{ system: "http://hl7.org/fhir/sid/icd-10-cm", code: item === 0 ? "F32.1" : "J45.20" }],
    },
    subject: { reference: `Patient/${patient.replace("_", "-")}` },
    onsetDateTime: "2026-03-01",
  });
}

/** The records of each batch that there are, by batch. */
async function stored(records: AsyncIterable<{ resource: string }>): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for await (const { resource } of records) {
    const batch = Number(JSON.parse(resource).identifier[0].value.split("-")[0]);
    found.set(batch, (found.get(batch) ?? 0) + 1);
  }
  return found;
}

test("what was acknowledged is there once, batches are whole or not there, a resend repeats nothing", async () => {
  let server = await startServer({ dataDir: folder.path });
  closers.push(async () => void (await server.stop()));
  const { operatorKey } = server;
  const hospital = await enrolCompany(server, "Hospital");
  const clinic = await enrolCompany(server, "Clinic");
  const person = await enrolPerson(server, "Sample Person");
  const consents = createClient(ConsentService, person.transport);
  for (const [name, grantee, direction] of [
    ["in", hospital.organization, Direction.CONTRIBUTE],
    ["out", clinic.organization, Direction.READ],
  ] as const) {
    const categories = direction === Direction.READ ? ["conditions"] : ["conditions", "mental_health"];
    const provision = {
      effect: Provision_Effect.PERMIT,
      directions: [direction],
      categories: categories.map((category) => ({ name: category })),
      ...(direction === Direction.READ ? { purposes: [Purpose.TREATMENT], resolution: Resolution.RAW } : {}),
    };
    await consents.createConsent({ requestId: name, consent: { grantee, provisions: [provision] } });
  }
  const idAt = async (transport: typeof hospital.transport) =>
    (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
  const patient = await idAt(hospital.transport);

  const batches: ClinicalBatch[] = [];
  for (let n = 0; n < 16; n++) {
    const resources = Array.from({ length: perBatch }, (_, item) => condition(patient, n, item));
    for await (const batch of clinicalBatchesOf(resources, { patient })) batches.push(batch);
  }
  const acked = new Set<string>();
  const requests = async function* () {
    for (const batch of batches) yield { batch };
  };
  try {
    for await (const { requestId, result } of createClient(
      ClinicalRecordsService,
      hospital.transport,
    ).streamClinicalRecords(requests())) {
      expect(result.case).toBe("receipt");
      acked.add(requestId);
      // Others of the sixteen that are under way are in their commits.
      if (acked.size === 4) await server.kill();
    }
  } catch {
    // The server was killed.
  }
  expect(acked.size).toBeLessThan(batches.length);

  server = { ...(await startServer({ dataDir: folder.path })), operatorKey: operatorKey! };
  const own = createClient(ClinicalRecordsService, (await personAt(server, person.id)).transport);
  const mine = () =>
    stored(listClinicalRecords(own, { patient: person.id, purpose: Purpose.PATIENT_REQUEST, pageSize: 7 }));
  const found = await mine();
  for (const [n, { requestId }] of batches.entries()) {
    const count = found.get(n) ?? 0;
    expect(count === perBatch || (count === 0 && !acked.has(requestId)), `batch ${n}: ${count}`).toBe(true);
  }

  const client = createClient(ClinicalRecordsService, companyAt(server, hospital).transport);
  for (const [n, batch] of batches.entries()) {
    const { receipt } = await client.writeClinicalRecords({ batch });
    const status = found.has(n) ? ClinicalOutcome_Status.DUPLICATE : ClinicalOutcome_Status.CREATED;
    expect(receipt!.outcomes.map((one) => one.status)).toEqual(new Array(perBatch).fill(status));
  }
  expect(await mine()).toEqual(new Map(batches.map((_, n) => [n, perBatch])));

  // The clinic's consent is for conditions: what is mental health, too, is not the clinic's to see.
  const reader = companyAt(server, clinic);
  const seen = await stored(
    listClinicalRecords(createClient(ClinicalRecordsService, reader.transport), {
      patient: await idAt(reader.transport),
      purpose: Purpose.TREATMENT,
    }),
  );
  expect([...seen.values()]).toEqual(new Array(batches.length).fill(perBatch - 1));
}, 180_000);
