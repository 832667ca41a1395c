/** A patient with data, permissions and readers: what each of the patient's pages needs to have something on it. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { type Company, enrolCompany } from "@wellapi/demo/people";
import { chosenTarget } from "@wellapi/demo/server";
import { type Consent, Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { GuardianshipService } from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import { ItemOutcome_Status } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import {
  CaptureMethod,
  Direction,
  Granularity,
  Purpose,
  Resolution,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { buildSite } from "@wellapi/patient-web/build";
import { openMeshWorld } from "../oauth/mesh-world.ts";
import { openWorld, type World } from "../oauth/world.ts";
import { type Account, openAccount } from "./accounts.ts";

export interface PatientScene {
  readonly world: World;
  readonly origin: string;
  /** Has heart rates and steps of an hour of yesterday. */
  readonly ada: Account;
  /** May send Ada's data, and has. */
  readonly maker: Company;
  /** May read Ada's heart and activity, and has read heart rates. */
  readonly clinic: Company;
  /** Reads Ada's heart rates once more. Rejects where the clinic may not. */
  readAgain(): Promise<void>;
  /** Ada lets the clinic read one more kind of data. */
  permit(category: string): Promise<void>;
  /** Another company that may read Ada's heart rates; `read` does it, and rejects where it may not. */
  addReader(name: string): Promise<{ read(): Promise<void> }>;
  /** The reader lets so many new organizations read heart rates; their names. */
  permitNew(reader: Account, count: number): Promise<readonly string[]>;
  /** A company that Ada knows asks her for heart and sleep data, by the hour. */
  ask(name: string): Promise<{ consents(): Promise<readonly Consent[]> }>;
  /**
   * Ada has worn two devices of two makers on 2 March 2026: a watch from 8 to 9 o'clock of UTC, and a ring from half past 8 to half past 9, each with a value a
   * minute, 70 milliseconds and one more each minute. Her order names the ring.
   */
  wearTwo(): Promise<void>;
  /** Somebody who is nobody to Ada, but has got her code, asks to be her guardian. */
  petition(): Promise<void>;
  close(): Promise<void>;
}

/** `env`: settings of the exchange, which is a mesh of processes with `TARGET=mesh`. */
export async function openPatientScene(env: Record<string, string> = {}): Promise<PatientScene> {
  await buildSite();
  const world = chosenTarget() === "mesh" ? (await openMeshWorld(env)).world : await openWorld(env);
  const { issuer: origin, company: maker, server } = world;
  const ada = await openAccount(origin, { name: "Ada Example", email: "ada@example.org" });
  const person = { transport: ada.as(ada.patient) };
  const clinic = await enrolCompany(server, "Herzzentrum für Prävention und Rehabilitation");
  await grant(person, maker, Direction.CONTRIBUTE, ["heart", "activity"]);
  await grant(person, clinic, Direction.READ, ["heart", "activity"]);
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const sent = { patient: await patientOf(maker), minutes: 60, from };
  await contribute(maker, undefined, [
    { ...sent, code: "8867-4", unit: "/min", durationMs: 0 },
    { ...sent, code: "55423-8", unit: "{steps}", durationMs: 60_000, granularity: Granularity.MINUTE },
  ]);
  const readAgain = async () => readHeartRates(clinic, await patientOf(clinic));
  await readAgain();
  return {
    world,
    origin,
    ada,
    maker,
    clinic,
    readAgain,
    async permit(category) {
      await grant(person, clinic, Direction.READ, [category]);
    },
    async addReader(name) {
      const company = await enrolCompany(server, name);
      await grant(person, company, Direction.READ);
      const patient = await patientOf(company);
      return { read: () => readHeartRates(company, patient) };
    },
    async permitNew(reader, count) {
      const names = Array.from({ length: count }, (_, at) => `Clinic ${at + 1}`);
      for (const displayName of names) {
        const created = await world.organizations.createOrganization({
          organization: { displayName },
          requestId: displayName,
        });
        const grantee = { organization: created.organization!.id };
        await grant({ transport: reader.as(reader.patient) }, grantee, Direction.READ);
      }
      return names;
    },
    async ask(name) {
      const company = await enrolCompany(server, name);
      await grant(person, company, Direction.CONTRIBUTE, ["body"]);
      await createClient(ConsentRequestService, company.transport).createConsentRequest({
        requestId: crypto.randomUUID(),
        consentRequest: {
          patient: await patientOf(company),
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: [Direction.READ],
              categories: [{ name: "heart" }, { name: "sleep" }],
              purposes: [Purpose.TREATMENT],
              resolution: Resolution.HOURLY,
            },
          ],
          validity: { endTime: { seconds: BigInt(Math.floor(Date.now() / 1_000) + 200 * 86_400) } },
          why: "To see <b>how</b> you sleep",
        },
      });
      return {
        consents: async () =>
          (await createClient(ConsentService, company.transport).listConsents({})).consents,
      };
    },
    async wearTwo() {
      const ring = await enrolCompany(server, "Ring Makers");
      await grant(person, ring, Direction.CONTRIBUTE, ["heart"]);
      await wear(maker, await patientOf(maker), "Watch", Date.UTC(2026, 2, 2, 8));
      await wear(ring, await patientOf(ring), "Ring", Date.UTC(2026, 2, 2, 8, 30));
      const records = createClient(RecordsService, person.transport);
      const { patient } = ada;
      const { series } = await records.listSeries({ patient, purpose: Purpose.PATIENT_REQUEST });
      const { deviceId } = series.find(({ source }) => source?.deviceModel === "Ring")!.source!;
      await records.setDevicePriority({ patient, devices: [{ organization: ring.organization, deviceId }] });
    },
    async petition() {
      const stranger = await openAccount(origin, { name: "Nobody Known", email: "nobody@example.org" });
      const requestId = crypto.randomUUID();
      const { code } = await createClient(GuardianshipService, person.transport).createGuardianCode({
        patient: ada.patient,
        requestId,
      });
      await createClient(GuardianshipService, stranger.as("account")).createPetition({
        code,
        displayName: "Nobody Known",
        patientName: "Ada Example",
        grounds: "None",
        requestId,
      });
    },
    close: () => world.close(),
  };
}

/** Ada, by the company's own id for her. */
async function patientOf({ transport }: Company): Promise<string> {
  const { consents } = await createClient(ConsentService, transport).listConsents({});
  return consents[0]!.patient;
}

async function wear({ transport }: Company, patient: string, model: string, from: number): Promise<void> {
  const series = {
    code: { code: "80404-7" },
    unit: "ms",
    device: { identifier: model, model },
    method: CaptureMethod.SENSED,
    times: {
      start: { case: "startTime" as const, value: timestampFromMs(from) },
      utcOffsetMinutes: 0,
      spacing: { case: "periodMs" as const, value: 60_000 },
    },
    values: {
      case: "decimals" as const,
      value: { mantissas: Array.from({ length: 60 }, (_, at) => 70 + at) },
    },
  };
  const batch = { requestId: crypto.randomUUID(), patient, series: [series] };
  const { receipt } = await createClient(IngestionService, transport).createSeries({ batch });
  const wrong = receipt?.items.filter(({ status }) => status !== ItemOutcome_Status.ACCEPTED) ?? [];
  if (wrong.length > 0) throw new Error(`the ${model} was refused`);
}

async function readHeartRates({ transport }: Company, patient: string): Promise<void> {
  const asked = { patient, code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
  for await (const _ of createClient(RecordsService, transport).readSeries(asked));
}
