/** `wellapi sandbox` against a real exchange: its people, their devices, and what a developer sees of them. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import type { Io } from "@wellapi/cli/io";
import { run } from "@wellapi/cli/program";
import { refuseProduction, settleRevoker } from "@wellapi/cli/sandbox/enrolment";
import { openSandbox } from "@wellapi/cli/sandbox/state";
import { connect } from "@wellapi/client";
import { operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientService } from "@wellapi/gen/wellapi/identity/v1/patient_service_pb";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose, type TimeIntervalSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeMovedClock } from "./moved-clock.ts";
import { sharedExchange } from "./shared-exchange.ts";

interface Told {
  readonly organization: string;
  readonly patients: readonly {
    readonly name: string;
    readonly patient: string;
    /** Of the operator's sandbox. */
    readonly erased?: boolean;
  }[];
  readonly accepted: number;
  readonly duplicate: number;
  readonly sentTo: string;
}

const server = sharedExchange();
const folder = temporaryFolder();
const sandbox = join(folder.path, "sandbox");
const people = ["--days", "1", "--seed", "7", "--people", "revoker", "erased"];
let created: Told;

async function wellapi(
  parameters: readonly string[],
  stop = new AbortController(),
  path = sandbox,
  key = server.operatorKey!,
): Promise<Told> {
  const { code, out, err } = await ran(parameters, { stop, path, key });
  expect(`${code} ${err}`).toBe("0 ");
  return JSON.parse(out) as Told;
}

async function ran(
  parameters: readonly string[],
  {
    stop = new AbortController(),
    path = sandbox,
    key,
  }: { stop?: AbortController; path?: string; key: string },
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [out, err] = [[] as string[], [] as string[]];
  const sink = (texts: string[], heard: () => void) =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        texts.push(text);
        heard();
        done();
      },
    });
  const io: Io = {
    env: { WELLAPI_URL: server.http, WELLAPI_GRPC_URL: server.grpc, WELLAPI_API_KEY: key },
    stdin: (async function* () {})(),
    stdout: sink(out, () => stop.abort()),
    stderr: sink(err, () => {}),
    interrupted: () => stop.signal,
    exitCode: 0,
  };
  const code = await run(io, ["sandbox", ...parameters, "--folder", path, "--json"]);
  return { code, out: out.join(""), err: err.join("") };
}

/** The developer's read of all heart rates: how many there are, or the reason why not. */
async function read(name: string): Promise<number | string> {
  const apiKey = readFileSync(join(sandbox, "api-key"), "utf8").trim();
  return readBy(apiKey, created.patients.find((one) => one.name === name)!.patient);
}

/** As the application of the key; what cannot be decided for a moment is asked again. */
const by = (apiKey: string) => connect({ url: server.http, apiKey, retries: { attempts: 8 } });

async function readBy(
  apiKey: string,
  patient: string,
  interval?: MessageInitShape<typeof TimeIntervalSchema>,
): Promise<number | string> {
  const records = createClient(RecordsService, by(apiKey));
  try {
    const { series } = await records.querySeries({
      patient,
      code: { code: "8867-4" },
      purpose: Purpose.TREATMENT,
      pageSize: 1_000,
      ...(interval !== undefined && { interval }),
    });
    return series.reduce((sum, { series: one }) => {
      return sum + (one?.values.case === "decimals" ? one.values.value.mantissas.length : 0);
    }, 0);
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

const permit = (permits: boolean) =>
  settleRevoker(
    { url: server.http, grpcUrl: server.grpc, operator: operatorAt(server) },
    openSandbox(sandbox),
    permits,
  );

beforeAll(async () => {
  created = await wellapi(["create", ...people]);
});
afterAll(() => folder.remove());

test("a day of the people's data is there, for the developer's key alone, until they revoke or are erased", async () => {
  expect(created.patients.map(({ name, erased }) => [name, erased])).toEqual([
    ["revoker", false],
    ["erased", true],
  ]);
  expect(statSync(join(sandbox, "api-key")).mode & 0o777).toBe(0o600);
  await permit(true);
  // Every five minutes, and the day begins somewhere within them.
  expect(await read("revoker")).toBe(288);
  await permit(false);
  expect(await read("revoker")).toBe("CONSENT_REQUIRED");
  await permit(true);
  expect(await read("revoker")).toBe(288);
  expect(await read("erased")).toBe("CONSENT_REQUIRED");
});

test("an organization that was there before is filled, with a key of its own", async () => {
  const { organization } = await createClient(OrganizationService, operatorAt(server)).createOrganization({
    organization: { displayName: "Tidal Wearables" },
    requestId: crypto.randomUUID(),
  });
  const path = join(folder.path, "filled");
  const asked = ["create", "--days", "1", "--people", "elder", "--organization", organization!.id];
  expect((await wellapi(asked, undefined, path)).organization).toBe(organization!.id);
  const apiKey = readFileSync(join(path, "api-key"), "utf8").trim();
  const { consents } = await createClient(ConsentService, connect({ url: server.http, apiKey })).listConsents(
    {},
  );
  expect(consents.map(({ grantee }) => grantee)).toEqual([organization!.id]);
});

test("a developer orders that calls fail, at both doors", async () => {
  await permit(true);
  const apiKey = readFileSync(join(sandbox, "api-key"), "utf8").trim();
  const { patient } = created.patients[0]!;
  const gateway = connect({ url: server.http, apiKey });
  const heart = { patient, code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
  const order = (fault: string) => ({ headers: { "wellapi-sandbox-fault": fault } });
  const received: unknown[] = [];
  const reading = async () => {
    const messages = createClient(RecordsService, gateway).readSeries(heart, order("revoke-mid-stream"));
    for await (const { payload } of messages) received.push(payload.case);
  };
  await expect(reading()).rejects.toMatchObject({ reason: "CONSENT_REVOKED" });
  expect(received[0]).toBe("start");
  const [key, cert, ca] = ["key.pem", "cert.pem", "ca.pem"].map((name) =>
    readFileSync(join(sandbox, "devices", name), "utf8"),
  ) as [string, string, string];
  const door = connect({ url: server.grpc, certificate: { key, cert, ca } });
  for (const transport of [gateway, door]) {
    const listing = createClient(ConsentService, transport).listConsents({}, order("unavailable"));
    await expect(listing).rejects.toMatchObject({ reason: "FAULT_ORDERED", transient: true });
  }
  door.close();
});

describe("an exchange with real people", () => {
  let live: Server;
  beforeAll(async () => {
    const env = { WELLAPI_PROFILE: "production" };
    live = await startServer({ dataDir: join(folder.path, "live"), env, target: "one-process" });
  });
  afterAll(async () => void (await live?.stop()));

  test("takes no test key, carries out no ordered failure, and is not filled", async () => {
    const at = (apiKey: string) => connect({ url: live.http, apiKey });
    const listed = (apiKey: string, headers = {}) =>
      createClient(OrganizationService, at(apiKey)).listOrganizations({}, { headers });
    await expect(listed(server.operatorKey!)).rejects.toMatchObject({ reason: "TEST_KEY_REFUSED" });
    const ordered = listed(live.operatorKey!, { "wellapi-sandbox-fault": "unavailable" });
    await expect(ordered).rejects.toMatchObject({ reason: "SANDBOX_ONLY" });
    const filled = refuseProduction({ url: live.http, grpcUrl: live.grpc, operator: at(live.operatorKey!) });
    await expect(filled).rejects.toMatchObject({ reason: "SANDBOX_ONLY" });
  });
});

test("what was interrupted is gone on with, and stored once", async () => {
  const { sentToMs, ...state } = openSandbox(sandbox).state();
  const sending = { fromMs: sentToMs! - 86_400_000, toMs: sentToMs! };
  const people = { revoker: state.people!.revoker };
  writeFileSync(join(sandbox, "sandbox.json"), JSON.stringify({ ...state, people, sending }));
  const again = await wellapi(["create", "--days", "1", "--seed", "7", "--people", "revoker", "erased"]);
  expect(again).toMatchObject({ organization: created.organization, accepted: 0 });
  expect(again.duplicate).toBeGreaterThan(288);
  expect(again.patients[0]).toEqual(created.patients[0]);
});

test("devices send what they have measured since, until they are interrupted", async () => {
  const folder = openSandbox(sandbox);
  const before = folder.state().sentToMs! - 3_600_000;
  folder.save({ sentToMs: before });
  const { sentTo, accepted, duplicate } = await wellapi(["stream"]);
  expect(Date.parse(sentTo)).toBeGreaterThan(before + 3_600_000);
  // The hour was sent before, in other batches.
  expect(accepted + duplicate).toBeGreaterThanOrEqual(12);
});

test("a reset erases the people and makes them anew, with new ids, for the same key", async () => {
  const old = created;
  created = await wellapi(["reset"]);
  expect(created.organization).toBe(old.organization);
  expect(created.patients.map(({ name }) => name)).toEqual(["revoker", "erased"]);
  expect(created.patients[0]!.patient).not.toBe(old.patients[0]!.patient);
  await permit(true);
  expect(await read("revoker")).toBe(288);
  created = old;
  expect(await read("revoker")).toBe("CONSENT_REQUIRED");
});

describe("an organization of a developer's own", () => {
  const few = ["--days", "1", "--seed", "7", "--people", "diabetic", "revoker", "erased"];
  const own = (parameters: readonly string[], stop?: AbortController) =>
    wellapi(parameters, stop, sandbox, key);
  let organization: string;
  let key: string;
  let filled: Told;

  beforeAll(async () => {
    ({ organization, key } = await signedUp("Brook Health"));
    filled = await own(["create", ...few]);
  });

  const listed = async (apiKey = key) => {
    const patients = createClient(PatientService, by(apiKey));
    return (await patients.listPatients({})).patients.map(({ id }) => id).sort();
  };
  const told = ({ patients }: Told) => patients.map(({ patient }) => patient).sort();

  test("is filled by its own key, and a second time with nobody and nothing more", async () => {
    expect(filled).toMatchObject({ organization, patients: [{ name: "diabetic" }, { name: "revoker" }] });
    expect(await listed()).toEqual(told(filled));
    const diabetic = filled.patients[0]!.patient;
    const [hour, nowMs] = [3_600_000, Date.now()];
    // Away from the ends, of which the second time is a little later.
    const within = {
      startTime: timestampFromMs(nowMs - 20 * hour),
      endTime: timestampFromMs(nowMs - 2 * hour),
    };
    expect(await readBy(key, diabetic, within)).toBe(18 * 12);
    expect(told(await own(["create", ...few]))).toEqual(told(filled));
    expect(await readBy(key, diabetic, within)).toBe(18 * 12);
  });

  test("has devices that go on", async () => {
    const { sentTo } = await own(["stream"]);
    expect(Date.parse(sentTo)).toBeGreaterThan(0);
  });

  test("is reset: nobody of the old people is listed, and another organization's stay", async () => {
    const other = await signedUp("Other Health");
    const theirs = await enrol(other.key, "Stays");
    const reset = await own(["reset", ...few]);
    expect(await listed()).toEqual(told(reset));
    expect(told(reset).filter((id) => told(filled).includes(id))).toEqual([]);
    expect(await listed(other.key)).toEqual([theirs]);
  });

  test("is filled with nobody where there is no room for all of them", async () => {
    const crowded = await signedUp("Crowded Health");
    await Promise.all(Array.from({ length: 20 }, (_, at) => enrol(crowded.key, `Test ${at}`)));
    const sandbox = createClient(SandboxService, by(crowded.key));
    expect((await sandbox.getSandbox({})).testPatientsLeft).toBe(4);
    const { code, err } = await ran(["create", "--days", "1"], { key: crowded.key });
    expect(code).toBe(8);
    expect(err).toContain("room for 4 more test patients, and this needs 5");
    expect(await listed(crowded.key)).toHaveLength(20);
  });
});

describeMovedClock(() => server, { told: true });

/** A test patient without data; the organization's id of them. */
async function enrol(apiKey: string, displayName: string): Promise<string> {
  const { patient } = await createClient(PatientService, by(apiKey)).createPatient({
    patient: { displayName, timeZones: [{ timeZone: "UTC" }] },
    requestId: crypto.randomUUID(),
  });
  return patient!.id;
}

/** An organization, and the key of an application of it. */
async function signedUp(displayName: string): Promise<{ organization: string; key: string }> {
  const requestId = crypto.randomUUID();
  const organizations = createClient(OrganizationService, operatorAt(server));
  const made = await organizations.createOrganization({ organization: { displayName }, requestId });
  const organization = made.organization!.id;
  const { application } = await organizations.createApplication({
    application: { organization, displayName: "First Steps" },
    requestId,
  });
  const { apiKey } = await createClient(CredentialService, operatorAt(server)).createApiKey({
    application: application!.id,
    displayName: "laptop",
    requestId,
  });
  return { organization, key: apiKey };
}
