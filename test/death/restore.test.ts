/** Restores of a whole exchange from backups of before a death was confirmed, and of before that was undone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ConnectError, createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import {
  type Company,
  companyAt,
  enrolCompany,
  enrolPerson,
  operatorAt,
  originOf,
  type Person,
} from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathReport_State, DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { StaffService } from "@wellapi/gen/wellapi/identity/v1/staff_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openExchange, parseExchangeConfig } from "@wellapi/host";
import { problemOf } from "@wellapi/rpc";
import { freePorts, silentLogger } from "@wellapi/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decided } from "../decided.ts";
import { type Account, openAccount } from "../pages/accounts.ts";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const folder = temporaryFolder();
const path = (...names: string[]) => join(folder.path, ...names);
const note = "certificate 12/2026 seen";

/** A session is of one address, so each start is at the same port: one that no connection takes while nobody listens. */
let port = 0;
let server: Server;
let clinic: Company;
let ada: Person;
let officer: Account;
let atClinic = "";
let restores = 0;

const settings = () => ({ WELLAPI_JOURNAL_DIR: path("journal"), WELLAPI_HTTP_PORT: String(port) });

async function start(more: Record<string, string> = {}): Promise<void> {
  server = await startServer({
    dataDir: path("data"),
    target: "one-process",
    env: { ...settings(), ...more },
  });
}

async function ok(...parameters: string[]): Promise<void> {
  const env = {
    ...process.env,
    ...{ WELLAPI_DATA_DIR: path("data"), WELLAPI_JOURNAL_DIR: path("journal") },
    WELLAPI_MASTER_KEY_FILE: path("data", "keys", "master.key"),
  };
  const child = spawn(process.execPath, [main, ...parameters], { env, stdio: ["ignore", "ignore", "pipe"] });
  const [err, [exit]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(`${exit} ${err}`, parameters.join(" ")).toMatch(/^0/);
}

/** The data is lost, and the backup is put in its place; keys and journal lie apart, and are as they were. */
async function restoreFrom(backup: string): Promise<void> {
  await server.stop();
  const lost = path(`lost-${++restores}`);
  renameSync(path("data"), lost);
  await ok("restore", path(backup));
  cpSync(join(lost, "keys"), path("data", "keys"), { recursive: true });
  const env = {
    ...settings(),
    ...{ WELLAPI_DATA_DIR: path("data"), WELLAPI_GRPC_PORT: "0", WELLAPI_PROFILE: "sandbox" },
    WELLAPI_MASTER_KEY_FILE: path("data", "keys", "master.key"),
  };
  const refused: unknown = await openExchange(parseExchangeConfig(env), silentLogger).catch((error) => error);
  const named = /WELLAPI_ACCEPT_LOG_BREAK=(\S+:\S+@\d+)/.exec((refused as Error).message);
  await start(named === null ? {} : { WELLAPI_ACCEPT_LOG_BREAK: named[1]! });
}

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );
const office = () => createClient(DeathService, officer.as("staff"));

/** What the clinic and the patient's token meet. */
async function seen(): Promise<readonly string[]> {
  const query = { patient: atClinic, code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
  const records = createClient(RecordsService, companyAt(server, clinic).transport);
  return [
    await decided(() => reasonOf(records.querySeries(query))),
    await reasonOf(createClient(ConsentService, ada.transport).listConsents({})),
  ];
}

const frozen = ["RECORD_FROZEN", "CREDENTIAL_INVALID"];

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  await start();
  clinic = await enrolCompany(server, "Clinic");
  ada = await enrolPerson(server, "Ada");
  await grant(ada, clinic, Direction.READ);
  const { consents } = await createClient(ConsentService, clinic.transport).listConsents({});
  atClinic = consents[0]!.patient;
  officer = await openAccount(originOf(server), { name: "Olga", email: "olga@example.com", record: false });
  const asked = { email: officer.email, roles: [Role.PRIVACY_OFFICER], requestId: "staff" };
  await createClient(StaffService, operatorAt(server)).inviteStaff(asked);
  await officer.accept();
});
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

// Steps of one story, each on what the one before it left.
test("a backup of before the confirmation, and of before the report, starts with the record frozen", async () => {
  await officer.confirm();
  await ok("backup", path("before"));
  const said = { patient: ada.id, dateOfDeath: "2026-03-31", grounds: "certificate 12", requestId: "r" };
  const { deathReport } = await office().reportDeath(said);
  await office().confirmDeath({ deathReport: deathReport!.id, note });
  expect(await seen()).toEqual(frozen);
  await restoreFrom("before");
  expect(await seen()).toEqual(frozen);
  expect((await office().listDeathReports({})).deathReports).toMatchObject([
    { id: deathReport!.id, state: DeathReport_State.CONFIRMED },
  ]);
}, 180_000);

test("a backup of a frozen record starts with it open, where the mistake was undone since", async () => {
  await officer.confirm();
  await ok("backup", path("frozen"));
  const [report] = (await office().listDeathReports({})).deathReports;
  await office().undoDeath({ deathReport: report!.id, note: "she called" });
  expect(await seen()).toEqual(["", ""]);
  await restoreFrom("frozen");
  expect(await seen()).toEqual(["", ""]);
  expect((await office().listDeathReports({})).deathReports).toMatchObject([
    { id: report!.id, state: DeathReport_State.UNDONE },
  ]);
}, 180_000);
