/** A patient's death, from its report to the end of a mistake, as everybody meets it at the doors of a running exchange. */
import { randomUUID } from "node:crypto";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, operatorAt, originOf } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  IngestionService,
  type StreamSeriesResponse,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { ClinicalRecordsService } from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import { ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Actor_Kind, CaptureMethod, Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decided } from "../decided.ts";
import { type Account, openAccount } from "../pages/accounts.ts";
import { mailTo } from "../pages/people.ts";

const folder = temporaryFolder();
const code = { code: "8867-4" };
const note = "certificate 12/2026 seen";
const patience = { timeout: 20_000 };
/** How a stream may end from which everything was taken. */
const ends = /^(RECORD_FROZEN|CONSENT_REVOKED|CONSENT_CHANGED)$/;

let server: Server;
let maker: Company;
let clinic: Company;
let ada: Account;
let officer: Account;
let doctor: Account;
let rita: Account;
let ids: { readonly atMaker: string; readonly atClinic: string };
let reading = "";

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );
const deathsOf = (transport: Transport) => createClient(DeathService, transport);

beforeAll(async () => {
  server = await startServer({ dataDir: folder.path, target: "one-process" });
  const origin = originOf(server);
  maker = await enrolCompany(server, "Maker");
  clinic = await enrolCompany(server, "Clinic");
  ada = await openAccount(origin, { name: "Ada", email: "ada@example.com" });
  officer = await openAccount(origin, { name: "Olga", email: "olga@example.com", record: false });
  doctor = await openAccount(origin, { name: "Dora", email: "dora@example.com", record: false });
  rita = await openAccount(origin, { name: "Rita", email: "rita@example.com", record: false });
  const operator = operatorAt(server);
  const asked = { email: officer.email, roles: [Role.PRIVACY_OFFICER], requestId: "staff" };
  await createClient(StaffService, operator).inviteStaff(asked);
  await officer.accept();
  const { organization } = clinic;
  const invited = { organization, email: doctor.email, roles: [Role.CLINICIAN], requestId: "member" };
  await createClient(MemberService, operator).inviteMember(invited);
  await doctor.accept();
  const asAda = { transport: ada.as(ada.patient) };
  await grant(asAda, maker, Direction.CONTRIBUTE);
  reading = await grant(asAda, clinic, Direction.READ, ["heart", "conditions"]);
  const idAt = async ({ transport }: Company) =>
    (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
  ids = { atMaker: await idAt(maker), atClinic: await idAt(clinic) };
  await createClient(IngestionService, maker.transport).createSeries({ batch: minute(1) });
});
afterAll(async () => {
  expect(await server?.stop()).toBe(0);
  folder.remove();
});

/** One sample of that minute. */
function minute(at: number) {
  const startTime = { seconds: BigInt(1_770_000_000 + at * 60), nanos: 0 };
  return {
    requestId: randomUUID(),
    patient: ids.atMaker,
    series: [
      {
        ...{ code, unit: "/min", device: { identifier: "d1" }, method: CaptureMethod.SENSED },
        times: {
          start: { case: "startTime", value: startTime },
          utcOffsetMinutes: 0,
          spacing: { case: "periodMs", value: 1_000 },
        },
        values: { case: "decimals", value: { mantissas: [60 + at] } },
      },
    ],
  } as unknown as SeriesBatch;
}

/** A stream of the maker that stays open: each batch has its answer before the next. */
function openContributions() {
  const waiting: Array<(batch: SeriesBatch | undefined) => void> = [];
  const next = () => new Promise<SeriesBatch | undefined>((resolve) => waiting.push(resolve));
  async function* requests() {
    for (let batch = await next(); batch !== undefined; batch = await next()) yield { batch };
  }
  const answers = createClient(IngestionService, maker.transport)
    .streamSeries(requests())
    [Symbol.asyncIterator]();
  const give = async (batch: SeriesBatch | undefined) => {
    await expect.poll(() => waiting.length, patience).toBeGreaterThan(0);
    waiting.shift()!(batch);
  };
  return {
    async send(at: number): Promise<string> {
      await give(minute(at));
      const { value } = await answers.next();
      const { result } = value as StreamSeriesResponse;
      if (result.case === "failure") return result.value.reason;
      return ItemOutcome_Status[result.value?.items[0]?.status ?? 0] ?? "";
    },
    end: () => give(undefined),
  };
}

/** A watch that stays open. */
function openWatch(transport: Transport, patient: string, purpose: Purpose) {
  let samples = 0;
  let started = false;
  const ended = (async () => {
    const watch = createClient(RecordsService, transport).watchSeries({ patient, purpose, codes: [code] });
    for await (const { payload } of watch) {
      if (payload.case === "start") started = true;
      else samples += 1;
    }
    return "left";
  })().catch((error: unknown) => problemOf(ConnectError.from(error)).reason);
  return { ended, started: () => started, samples: () => samples };
}

const readAtClinic = () =>
  decided(() =>
    reasonOf(
      createClient(RecordsService, clinic.transport).querySeries({
        ...{ patient: ids.atClinic, code, purpose: Purpose.TREATMENT },
      }),
    ),
  );

/** What is asked of several codes or types at once is refused as a whole: an empty answer would say that there is nothing. */
function listsAtClinic(): Promise<string[]> {
  const asked = { patient: ids.atClinic, purpose: Purpose.TREATMENT };
  const records = createClient(RecordsService, clinic.transport);
  const clinical = createClient(ClinicalRecordsService, clinic.transport);
  return Promise.all([
    decided(() => reasonOf(records.listSeries(asked))),
    decided(() => reasonOf(records.listObservations(asked))),
    decided(() => reasonOf(clinical.listClinicalRecords(asked))),
  ]);
}

/** Who acts for Ada reads for her. */
const readAs = (transport: Transport) =>
  createClient(RecordsService, transport).querySeries({
    ...{ patient: ada.patient, code, purpose: Purpose.PATIENT_REQUEST },
  });

// Steps of one story, each on what the one before it left.
test("a confirmed death ends streams that run, reads, contributions and sign-ins; and nothing before the confirmation does", async () => {
  const contributions = openContributions();
  const watching = openWatch(clinic.transport, ids.atClinic, Purpose.TREATMENT);
  const own = openWatch(ada.as(ada.patient), ada.patient, Purpose.PATIENT_REQUEST);
  await expect.poll(() => [watching.started(), own.started()], patience).toEqual([true, true]);

  const deaths = deathsOf(doctor.as(clinic.organization));
  const { deathReport } = await deaths.reportDeath({
    ...{ patient: ids.atClinic, dateOfDeath: "2026-03-31", grounds: "certificate 12/2026" },
    requestId: "report",
  });
  expect(await contributions.send(2)).toBe("ACCEPTED");
  await expect.poll(() => [watching.samples(), own.samples()], patience).toEqual([1, 1]);
  expect(await readAtClinic()).toBe("");
  await expect
    .poll(() => mailTo(originOf(server), ada.email, /died/), patience)
    .toMatch(/Clinic reported[\s\S]*died/);

  await officer.confirm();
  const office = deathsOf(officer.as("staff"));
  const [listed] = (await office.listDeathReports({})).deathReports;
  expect(listed).toMatchObject({ id: deathReport!.id, patient: ada.patient });
  const since = performance.now();
  await office.confirmDeath({ deathReport: listed!.id, note });
  expect(await watching.ended).toMatch(ends);
  expect(await own.ended).not.toBe("left");
  expect(performance.now() - since).toBeLessThan(15_000);
  expect(await contributions.send(3)).toBe("RECORD_FROZEN");
  await contributions.end();
  expect(await readAtClinic()).toBe("RECORD_FROZEN");
  expect(await listsAtClinic()).toEqual(Array(3).fill("RECORD_FROZEN"));
  const single = createClient(IngestionService, maker.transport).createSeries({ batch: minute(4) });
  expect(await reasonOf(single)).toBe("RECORD_FROZEN");
  for (const actingAs of [ada.patient, "account"]) {
    const asked = createClient(AccountService, ada.as(actingAs)).listActingOptions({});
    expect(await reasonOf(asked)).toBe("CREDENTIAL_INVALID");
  }
  expect(await reasonOf(ada.confirm())).toBe("CREDENTIAL_INVALID");
}, 120_000);

test("a representative sees the record, its consents and accesses, revokes, and changes nothing else", async () => {
  const office = createClient(DelegationService, officer.as("staff"));
  const invited = { patient: ada.patient, email: rita.email, displayName: "Rita", requestId: "rep" };
  await office.inviteRepresentative({ ...invited, grounds: "certificate of inheritance 7" });
  await rita.accept();
  const transport = rita.as(ada.patient);
  expect((await readAs(transport)).series.length).toBeGreaterThan(0);
  await createClient(ExportService, transport).prepareDownload({ patient: ada.patient });
  const consents = createClient(ConsentService, transport);
  expect((await consents.listConsents({})).consents).toHaveLength(2);
  expect(await reasonOf(grant({ transport }, clinic, Direction.READ))).toBe("CALLER_NOT_PERMITTED");
  const erasing = createClient(RecordsService, transport).erasePatient({ patient: ada.patient });
  expect(await reasonOf(erasing)).toBe("CALLER_NOT_PERMITTED");
  await consents.revokeConsent({ consent: reading });

  const audit = createClient(AuditService, transport);
  await expect
    .poll(async () => {
      const { accesses } = await audit.listAccesses({});
      const acts = accesses.filter(({ access }) => access?.actor?.kind === Actor_Kind.REPRESENTATIVE);
      return acts.map(({ access }) => access?.method.split("/")[1]);
    }, patience)
    .toEqual(expect.arrayContaining(["QuerySeries", "RevokeConsent"]));
}, 120_000);

test("a mistake is undone: the patient signs in again, and what was permitted is, but for what was revoked", async () => {
  await officer.confirm();
  const office = deathsOf(officer.as("staff"));
  const [report] = (await office.listDeathReports({})).deathReports;
  await office.undoDeath({ deathReport: report!.id, note: "she called" });
  // The very session of before.
  expect((await readAs(ada.as(ada.patient))).series.length).toBeGreaterThan(0);
  await ada.confirm();
  expect(await reasonOf(readAs(rita.as(ada.patient)))).toBe("CALLER_NOT_PERMITTED");
  const { receipt } = await createClient(IngestionService, maker.transport).createSeries({
    batch: minute(5),
  });
  expect(receipt?.items[0]?.status).toBe(ItemOutcome_Status.ACCEPTED);
  expect(await readAtClinic()).toBe("CONSENT_REQUIRED");
  await grant({ transport: ada.as(ada.patient) }, clinic, Direction.READ);
  expect(await readAtClinic()).toBe("");
  expect(await listsAtClinic()).toEqual(["", "", ""]);
  await expect.poll(() => mailTo(originOf(server), ada.email, /mistake/), patience).toMatch(/mistake/);
  const { accesses } = await createClient(AuditService, ada.as(ada.patient)).listAccesses({});
  const methods = new Set(accesses.map(({ access }) => access?.method.split("/")[1]));
  for (const done of ["ReportDeath", "ConfirmDeath", "UndoDeath"]) expect([...methods]).toContain(done);
}, 120_000);
