import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { ItemOutcome_Status, SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

export const code = "8867-4";
const samplesABatch = 50_000;
const T0 = Date.parse("2026-01-01T00:00:00Z");

/** A person whose data is far more than connections hold, a maker who sends it, a clinic that may come to read it. */
export interface StalledScene {
  readonly maker: Company;
  readonly clinic: Company;
  /** The clinic's application, and an API key of it. */
  readonly application: string;
  readonly clinicKey: string;
  readonly person: Person;
  /** An API key of a further application of the clinic. */
  furtherKey(): Promise<string>;
  /** The person's id at the company; there must be a consent. */
  idAt(company: Company): Promise<string>;
  /** Sends batches of samples that compress badly, 50,000 each unless given. */
  send(batches: number, samples?: number): Promise<void>;
}

export async function openStalledScene(server: Server): Promise<StalledScene> {
  const name = randomUUID().slice(0, 8);
  const maker = await enrolCompany(server, `Stalled maker ${name}`);
  const clinic = await enrolCompany(server, `Stalled clinic ${name}`);
  const person = await enrolPerson(server, `Stalled person ${name}`);
  await grant(person, maker, Direction.CONTRIBUTE);
  const idAt = async (company: Company) => {
    const { consents } = await createClient(ConsentService, company.transport).listConsents({});
    return consents[0]!.patient;
  };
  const patient = await idAt(maker);
  const application = await applicationOf(server, clinic);
  const ingestion = createClient(IngestionService, maker.transport);
  let sent = 0;
  return {
    maker,
    clinic,
    application,
    clinicKey: await apiKeyOf(server, application),
    furtherKey: async () => apiKeyOf(server, await furtherApplicationOf(server, clinic)),
    person,
    idAt,
    async send(batches, samples = samplesABatch) {
      for (let i = 0; i < batches; i++) {
        const batch = noise(patient, T0 + sent++ * samplesABatch * 1_000, samples);
        const { receipt } = await ingestion.createSeries({ batch });
        const { status } = receipt!.items[0]!;
        if (status !== ItemOutcome_Status.ACCEPTED) throw new Error("a batch was not accepted");
      }
    },
  };
}

function noise(patient: string, start: number, samples: number) {
  const series = {
    code: { code },
    unit: "/min",
    times: {
      start: { case: "startTime" as const, value: timestampFromMs(start) },
      utcOffsetMinutes: 0,
      spacing: { case: "periodMs" as const, value: 1_000 },
    },
    values: {
      case: "decimals" as const,
      value: {
        scale: 4,
        mantissas: Array.from({ length: samples }, () => 600_000 + Math.floor(Math.random() * 900_000)),
      },
    },
  };
  return create(SeriesBatchSchema, { requestId: randomUUID(), patient, series: [series] });
}

async function applicationOf(server: Server, { organization }: Company): Promise<string> {
  const organizations = createClient(OrganizationService, operatorAt(server));
  return (await organizations.listApplications({ organization })).applications[0]!.id;
}

async function furtherApplicationOf(server: Server, { organization }: Company): Promise<string> {
  const { application } = await createClient(OrganizationService, operatorAt(server)).createApplication({
    application: { organization, displayName: "Further" },
    requestId: randomUUID(),
  });
  return application!.id;
}

async function apiKeyOf(server: Server, application: string): Promise<string> {
  const asked = { application, requestId: randomUUID() };
  return (await createClient(CredentialService, operatorAt(server)).createApiKey(asked)).apiKey;
}
