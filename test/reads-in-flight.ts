/** Reads under way while consent changes, through both doors: for one process and for a mesh of processes. */
import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { samplesOf } from "@wellapi/client";
import { consentFor, grant } from "@wellapi/demo/consents";
import { keyOf } from "@wellapi/demo/fhir-reader";
import { type Company, enrolCompany, enrolPerson, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { BucketSize } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, type TimeIntervalSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { beforeAll, describe, expect, test } from "vitest";

const heartRate = "8867-4";
const weight = "29463-7";
const T0 = Date.parse("2026-03-01T00:00:00Z");
const HOUR = 3_600_000;
const purpose = Purpose.TREATMENT;
/** A page of so many samples keeps records busy for some 20 ms. */
const SAMPLES_A_PAGE = 10_000;
/** At once: most of them are under way when the revocation returns. */
const CALLS = 100;
const samples = 2 * SAMPLES_A_PAGE;

interface Stage {
  readonly maker: Company;
  readonly clinic: Company;
  /** The clinic at each door. */
  readonly doors: Readonly<Record<"grpc" | "gateway", Transport>>;
}

async function openStage(server: Server): Promise<Stage> {
  const name = randomUUID().slice(0, 8);
  const maker = await enrolCompany(server, `In-flight maker ${name}`);
  const clinic = await enrolCompany(server, `In-flight clinic ${name}`);
  const apiKey = await keyOf(server, clinic);
  const gateway = createConnectTransport({
    baseUrl: server.http,
    httpVersion: "1.1",
    useBinaryFormat: true,
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${apiKey}`);
        return next(request);
      },
    ],
  });
  return { maker, clinic, doors: { grpc: clinic.transport, gateway } };
}

type Window = MessageInitShape<typeof TimeIntervalSchema>;

interface Scene {
  readonly person: Person;
  readonly atClinic: string;
  readonly consent: string;
}

/** A person with hours of heart rates and a weight, whom the clinic may read, within the window where one is given. */
async function openScene(server: Server, { maker, clinic }: Stage, window?: Window): Promise<Scene> {
  const person = await enrolPerson(server, `In flight ${randomUUID()}`);
  await grant(person, maker, Direction.CONTRIBUTE, ["heart", "body"]);
  const consent = await consentTo(person, clinic, window);
  const idAt = async (transport: Transport) => {
    const { consents } = await createClient(ConsentService, transport).listConsents({});
    return consents[0]!.patient;
  };
  const [atMaker, atClinic] = await Promise.all([idAt(maker.transport), idAt(clinic.transport)]);
  const ingestion = createClient(IngestionService, maker.transport);
  for (let from = 0; from < samples; from += SAMPLES_A_PAGE) {
    const series = {
      code: { code: heartRate },
      unit: "/min",
      times: {
        start: { case: "startTime" as const, value: timestampFromMs(T0 + from * 1_000) },
        utcOffsetMinutes: 0,
        spacing: { case: "periodMs" as const, value: 1_000 },
      },
      values: {
        case: "decimals" as const,
        value: { mantissas: Array.from({ length: SAMPLES_A_PAGE }, (_, i) => 60 + (i % 40)) },
      },
    };
    const batch = create(SeriesBatchSchema, { requestId: randomUUID(), patient: atMaker, series: [series] });
    await ingestion.createSeries({ batch });
  }
  const observation = {
    code: { code: weight },
    effective: { case: "effectiveTime" as const, value: timestampFromMs(T0) },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value: "80", unit: "kg" } },
  };
  await ingestion.createObservations({
    batch: { requestId: randomUUID(), patient: atMaker, observations: [observation] },
  });
  return { person, atClinic, consent };
}

async function consentTo(person: Person, clinic: Company, window?: Window): Promise<string> {
  const wanted = consentFor(clinic, Direction.READ, ["heart", "body"]);
  const within = window && { window: { case: "capturedWithin" as const, value: window } };
  const provisions = wanted.provisions.map((one) => ({ ...one, ...within }));
  const { consent } = await createClient(ConsentService, person.transport).createConsent({
    requestId: randomUUID(),
    consent: { ...wanted, provisions },
  });
  return consent!.id;
}

function readsOf(transport: Transport, patient: string, observation: string) {
  const client = createClient(RecordsService, transport);
  const interval = { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + 48 * HOUR) };
  const about = { patient, code: { code: heartRate }, purpose, interval };
  return {
    QuerySeries: () => client.querySeries({ ...about, pageSize: SAMPLES_A_PAGE }),
    AggregateSeries: () => client.aggregateSeries({ ...about, bucketSize: BucketSize.MINUTE }),
    ListObservations: () => client.listObservations({ ...about, code: { code: weight } }),
    GetObservation: () => client.getObservation({ patient, observation, purpose }),
  };
}

/** The slow ones often, so that the others wait among them. */
const methods = [
  "QuerySeries",
  "QuerySeries",
  "AggregateSeries",
  "ListObservations",
  "QuerySeries",
  "GetObservation",
] as const;

/** UNDECIDED: a machine that is busy with a hundred reads may lose a session; then nothing is released either. */
const refusals = ["CONSENT_CHANGED", "CONSENT_REQUIRED", "CONSENT_REVOKED", "UNDECIDED"];

/** `connectionsAge`: the gRPC door says goodbye to each connection after seconds, so that a call may begin on one that ends. */
export function describeReadsInFlight(server: () => Server, { connectionsAge = false } = {}): void {
  describe("reads while consent changes", () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await openStage(server());
    }, 60_000);

    test.each(["grpc", "gateway"] as const)(
      "a second consent counts for the next read, though the first permits less (%s)",
      async (door) => {
        const window = { startTime: timestampFromMs(T0), endTime: timestampFromMs(T0 + HOUR) };
        const scene = await openScene(server(), stage, window);
        const read = readsOf(stage.doors[door], scene.atClinic, "").QuerySeries;
        const count = async () => (await read()).series.flatMap(samplesOf).length;
        expect(await count()).toBe(3_600);
        await consentTo(scene.person, stage.clinic);
        expect(await count()).toBe(SAMPLES_A_PAGE);
      },
      60_000,
    );

    test.each(["grpc", "gateway"] as const)(
      "no answer that is under way at its door brings data once RevokeConsent has returned (%s)",
      async (door) => {
        const scene = await openScene(server(), stage);
        const listed = await readsOf(stage.doors[door], scene.atClinic, "").ListObservations();
        const reads = readsOf(stage.doors[door], scene.atClinic, listed.observations[0]!.id);
        const headers: string[] = [];
        /** OK, or the reason of the refusal, in the order in which the answers came. */
        const ended: string[] = [];
        const three = Promise.withResolvers<void>();
        let revoked = false;
        // Again and again, so that some are under way when the revocation returns, however slow the machine is.
        const calls = Array.from({ length: CALLS }, async (_, i) => {
          const method = methods[i % methods.length]!;
          do {
            const how = await reads[method]().then(
              () => "OK",
              (error: unknown) => {
                const described = ConnectError.from(error);
                headers.push(...described.metadata.keys());
                return problemOf(described).reason;
              },
            );
            ended.push(how);
            if (ended.length === 3) three.resolve();
          } while (!revoked);
        });
        await three.promise;
        await createClient(ConsentService, scene.person.transport).revokeConsent({ consent: scene.consent });
        revoked = true;
        const returned = ended.length;
        await Promise.all(calls);
        const late = ended.slice(returned);
        // What sockets held by then; of a hundred that wait for each other, a revocation that missed them would bring most.
        expect(late.filter((how) => how === "OK").length).toBeLessThan(CALLS / 10);
        const cut = ended.filter((how) => how !== "OK");
        expect(cut.length).toBeGreaterThan(5);
        // Such a call is told so by its own client, and by no service.
        const known = connectionsAge && door === "grpc" ? [...refusals, "UNAVAILABLE"] : refusals;
        expect(cut.filter((how) => !known.includes(how))).toEqual([]);
        expect(headers).not.toContain("wellapi-patient");
      },
      60_000,
    );
  });
}
