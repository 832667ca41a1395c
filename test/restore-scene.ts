import { randomUUID } from "node:crypto";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connect } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import {
  type Company,
  companyAt,
  enrolCompany,
  enrolPerson,
  operatorAt,
  personAt,
} from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { decided } from "./decided.ts";

const code = "8867-4";
const minutes = 30;

/** What a restore from a backup of before must not undo, as those see it whom it concerns. */
export interface Seen {
  /** Of a patient whose consent stands: samples. */
  readonly cleo: number | string;
  /** Of a patient who revoked: the refusal. */
  readonly ada: number | string;
  /** Of a patient who was erased: the refusal. */
  readonly bob: number | string;
  /** Of the credential that was revoked. */
  readonly credential: string;
  /** Places in the orders of devices, asked for by the patients themselves: of who stays, and of who was erased. */
  readonly orders: { readonly cleo: number | string; readonly bob: number | string };
}

export const beforeRevocations: Seen = {
  cleo: minutes,
  ada: minutes,
  bob: minutes,
  credential: "accepted",
  orders: { cleo: 1, bob: 1 },
};

/** A maker, a clinic, and three patients whose data the clinic may read. */
export async function openScene(server: Server) {
  const maker = await enrolCompany(server, "Maker");
  const clinic = await enrolCompany(server, "Clinic");
  const people = new Map<string, { id: string; atClinic: string; reading: string }>();
  for (const name of ["ada", "bob", "cleo"]) {
    const person = await enrolPerson(server, name);
    await grant(person, maker, Direction.CONTRIBUTE);
    const reading = await grant(person, clinic, Direction.READ);
    const known = [...people.values()].map(({ atClinic }) => atClinic);
    const atClinic = (await patientsOf(clinic)).find((patient) => !known.includes(patient))!;
    people.set(name, { id: person.id, atClinic, reading });
  }
  const parcels = (await patientsOf(maker)).map((patient) => {
    return { patient, code, unit: "/min", durationMs: 0, minutes, from: "2026-05-01T08:00:00Z" };
  });
  await contribute(maker, undefined, parcels);
  for (const name of ["bob", "cleo"]) {
    const { id } = people.get(name)!;
    const devices = [{ organization: maker.organization, deviceId: "" }];
    const { transport } = await personAt(server, id);
    await createClient(RecordsService, transport).setDevicePriority({ patient: id, devices });
  }

  const operator = operatorAt(server);
  const { applications } = await createClient(OrganizationService, operator).listApplications({
    organization: clinic.organization,
  });
  const issued = await createClient(CredentialService, operator).createApiKey({
    requestId: randomUUID(),
    application: applications[0]!.id,
  });

  return {
    /** Ada revokes, Bob is erased, the clinic's API key is revoked. */
    async revoke(): Promise<void> {
      const [adas, bobs] = [people.get("ada")!, people.get("bob")!];
      const asAda = await personAt(server, adas.id);
      await createClient(ConsentService, asAda.transport).revokeConsent({ consent: adas.reading });
      const asBob = await personAt(server, bobs.id);
      await createClient(RecordsService, asBob.transport).erasePatient({ patient: bobs.id });
      await createClient(CredentialService, operator).revokeCredential({ credential: issued.credential!.id });
    },
    async look(now: Server): Promise<Seen> {
      const reader = companyAt(now, clinic);
      const seen = (name: string) => decided(() => read(reader, people.get(name)!.atClinic));
      const { operatorKey = "" } = server;
      const orderOf = (name: string) =>
        decided(() => orderSeen({ ...now, operatorKey }, people.get(name)!.id));
      return {
        cleo: await seen("cleo"),
        ada: await seen("ada"),
        bob: await seen("bob"),
        credential: await accepted(now, issued.apiKey),
        orders: { cleo: await orderOf("cleo"), bob: await orderOf("bob") },
      };
    },
  };
}

async function patientsOf(company: Company): Promise<string[]> {
  const { consents } = await createClient(ConsentService, company.transport).listConsents({});
  return consents.map(({ patient }) => patient);
}

/** Samples, or the reason why not. */
async function read(company: Company, patient: string): Promise<number | string> {
  try {
    let samples = 0;
    const records = createClient(RecordsService, company.transport);
    const query = { patient, code: { code }, purpose: Purpose.TREATMENT };
    for await (const { payload } of records.readSeries(query)) {
      if (payload.case === "end") samples = Number(payload.value.samples);
    }
    return samples;
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
}

/** How many devices the patient's own order has, or the reason why it is not told. */
async function orderSeen(server: Server, patient: string): Promise<number | string> {
  try {
    const { transport } = await personAt(server, patient);
    const { priority } = await createClient(RecordsService, transport).getDevicePriority({ patient });
    return priority?.devices.length ?? 0;
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
}

async function accepted(server: Server, apiKey: string): Promise<string> {
  try {
    await createClient(ConsentService, connect({ url: server.http, apiKey })).listConsents({});
    return "accepted";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}
