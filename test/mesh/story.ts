/** A short story from outside: everything that a patient's data does on its way, through the edge and every sidecar. */
import { randomUUID } from "node:crypto";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { samplesOf } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { enrolPerson, operatorAt } from "@wellapi/demo/people";
import { openWatch } from "@wellapi/demo/watch";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import type { Outside } from "./outside.ts";

export interface Claim {
  readonly name: string;
  readonly expected: unknown;
  readonly found: unknown;
}

const code = "8867-4";
const arriveMs = 20_000;

/** Told once: it changes what there is. */
export async function tellStory({ server, maker, clinic }: Outside): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  const claim = (name: string, expected: unknown, found: unknown) => claims.push({ name, expected, found });
  const patient = await enrolPerson(server, "Story person");
  const contribution = await grant(patient, maker, Direction.CONTRIBUTE);
  const reading = await grant(patient, clinic, Direction.READ);
  const atMaker = await idOf(maker.transport, contribution);
  const atClinic = await idOf(clinic.transport, reading);
  claim(
    "each company has an id of its own for the patient",
    3,
    new Set([patient.id, atMaker, atClinic]).size,
  );

  const minutes = { patient: atMaker, code, unit: "/min", durationMs: 0, minutes: 5 };
  const sent = await contribute(maker, undefined, [{ ...minutes, from: "2026-06-01T08:00:00Z" }]);
  claim("the maker's stream over gRPC is accepted", 5, sent.accepted);

  const json = createClient(RecordsService, await jsonTransport());
  const query = { patient: atClinic, code: { code }, purpose: Purpose.TREATMENT };
  const read = async () => (await json.querySeries(query)).series.flatMap(samplesOf).length;
  claim("the clinic reads it as JSON", 5, await read());

  const watch = await openWatch(clinic, atClinic, code);
  await contribute(maker, undefined, [{ ...minutes, from: "2026-06-01T09:00:00Z" }]);
  claim("the clinic's open watch over gRPC gets what arrives", true, await watch.delivered(5, arriveMs));

  await createClient(ConsentService, patient.transport).revokeConsent({ consent: reading });
  claim("after the revocation the clinic reads nothing", "CONSENT_REQUIRED", await refusal(read));
  claim("the revocation has ended the watch", "CONSENT_REVOKED", await watch.ended(arriveMs));
  const own = { patient: patient.id, code: { code }, purpose: Purpose.PATIENT_REQUEST };
  const { series } = await createClient(RecordsService, patient.transport).querySeries(own);
  claim("the patient still reads all of it", 10, series.flatMap(samplesOf).length);
  return claims;

  /** By an API key of the clinic's, as JSON over HTTP/1.1. */
  async function jsonTransport(): Promise<Transport> {
    const operator = operatorAt(server);
    const { applications } = await createClient(OrganizationService, operator).listApplications({
      organization: clinic.organization,
    });
    const { apiKey } = await createClient(CredentialService, operator).createApiKey({
      requestId: randomUUID(),
      application: applications[0]!.id,
    });
    return createConnectTransport({
      baseUrl: server.http,
      httpVersion: "1.1",
      useBinaryFormat: false,
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${apiKey}`);
          return next(request);
        },
      ],
    });
  }
}

async function idOf(company: Transport, consent: string): Promise<string> {
  const { consents } = await createClient(ConsentService, company).listConsents({});
  return consents.find(({ id }) => id === consent)!.patient;
}

async function refusal(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
  return "nothing refused it";
}
