/** The calls of the guide in JSON against a real server, each request and answer held to the document that the server serves. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@wellapi/demo/server";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchDecided } from "./decided.ts";
import { committedYaml, createJudge, type Judge, parseDocument } from "./openapi/document.ts";
import { sharedExchange } from "./shared-exchange.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const server = sharedExchange();
let judge: Judge;

beforeAll(async () => {
  const yaml = await (await fetch(`${server.http}/openapi.yaml`)).text();
  expect(yaml).toBe(committedYaml);
  judge = createJudge(parseDocument(yaml));
}, 120_000);

test("pages of every origin read the document, at a server that knows which origins are registered, too", async () => {
  const headers = { origin: "https://somebody.example" };
  const read = await fetch(`${server.http}/openapi.yaml`, { headers });
  await read.text();
  expect(read.headers.get("access-control-allow-origin")).toBe("*");
  const other = await fetch(`${server.http}/log/checkpoint`, { headers });
  await other.text();
  expect(other.headers.has("access-control-allow-origin")).toBe(false);
});

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any RPC; the document judges it
  readonly body: any;
}

async function send(rpc: string, request: unknown, credential?: string): Promise<Answer> {
  const response = await fetchDecided(`${server.http}/wellapi.${rpc}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(credential && { authorization: `Bearer ${credential}` }),
    },
    body: JSON.stringify(request),
  });
  const answer = { status: response.status, body: await response.json() };
  expect([rpc, judge.answer(`/wellapi.${rpc}`, answer.status, answer.body)]).toEqual([rpc, []]);
  return answer;
}

/** A call that the document permits and the server takes; its answer. */
async function call(rpc: string, request: unknown, credential?: string): Promise<Answer["body"]> {
  expect([rpc, judge.request(`/wellapi.${rpc}`, request)]).toEqual([rpc, []]);
  const { status, body } = await send(rpc, request, credential);
  expect([rpc, status, body]).toEqual([rpc, 200, expect.anything()]);
  return body;
}

async function enrol(displayName: string): Promise<{ organization: string; key: string }> {
  const requestId = randomUUID();
  const operator = server.operatorKey;
  const made = await call(
    "identity.v1.OrganizationService/CreateOrganization",
    { organization: { displayName }, requestId },
    operator,
  );
  const organization = made.organization.id;
  const { application } = await call(
    "identity.v1.OrganizationService/CreateApplication",
    { application: { organization, displayName: "Sync" }, requestId },
    operator,
  );
  const issued = await call(
    "identity.v1.CredentialService/CreateApiKey",
    { application: application.id, requestId },
    operator,
  );
  return { organization, key: issued.apiKey };
}

const heart = { code: "8867-4" };
const day = { startTime: "2026-04-12T00:00:00Z", endTime: "2026-04-13T00:00:00Z" };
const seriesBatch = (patient: string, requestId: string) => ({
  batch: {
    requestId,
    patient,
    series: [
      {
        code: heart,
        unit: "/min",
        times: { startTimeText: "2026-04-12T08:00:00+02:00", periodMs: 60_000 },
        decimals: { values: ["61", "72.50", "64"] },
      },
    ],
  },
});

interface World {
  readonly clinic: string;
  readonly key: string;
  readonly token: string;
  readonly patient: string;
  readonly own: string;
}

async function consentedWorld(): Promise<World> {
  const { organization: clinic, key } = await enrol("Hillside Clinic");
  const requestId = randomUUID();
  const created = await call(
    "identity.v1.PatientService/CreatePatient",
    { patient: { displayName: "Participant 1", timeZones: [{ timeZone: "Europe/Berlin" }] }, requestId },
    server.operatorKey,
  );
  const own = created.patient.id;
  const { token } = await call(
    "identity.v1.TokenService/IssuePatientToken",
    { patient: own, requestId },
    server.operatorKey,
  );
  const provision = {
    effect: "EFFECT_PERMIT",
    directions: ["DIRECTION_CONTRIBUTE", "DIRECTION_READ"],
    categories: [{ name: "heart" }],
    purposes: ["PURPOSE_TREATMENT"],
    resolution: "RESOLUTION_RAW",
  };
  await call(
    "consent.v1.ConsentService/CreateConsent",
    { consent: { grantee: clinic, provisions: [provision] }, requestId },
    token,
  );
  const { consents } = await call("consent.v1.ConsentService/ListConsents", {}, key);
  return { clinic, key, token, patient: consents[0].patient, own };
}

describe("the guide, in JSON", () => {
  let world: World;
  beforeAll(async () => {
    world = await consentedWorld();
  }, 30_000);

  test("a batch goes in and is read back, as the document says of each request and answer", async () => {
    const { key, patient, token } = world;
    const { receipt } = await call(
      "ingestion.v1.IngestionService/CreateSeries",
      seriesBatch(patient, "batch-1"),
      key,
    );
    expect(receipt.items).toMatchObject([{ status: "STATUS_ACCEPTED" }]);
    const asked = { patient, code: heart, interval: day, purpose: "PURPOSE_TREATMENT" };
    const read = await call("records.v1.RecordsService/QuerySeries", asked, key);
    expect(JSON.stringify(read)).toContain("7250");
    await call("records.v1.RecordsService/ListSeries", { patient, purpose: "PURPOSE_TREATMENT" }, key);
    const sums = await call(
      "records.v1.RecordsService/AggregateSeries",
      { ...asked, bucketSize: "BUCKET_SIZE_DAY" },
      key,
    );
    expect(JSON.stringify(sums)).toContain('"count":3');
    const { accesses } = await call("audit.v1.AuditService/ListAccesses", {}, token);
    expect(accesses.length).toBeGreaterThan(3);
    await call("audit.v1.AuditService/GetAccess", { access: accesses[0].id }, token);
    await call("audit.v1.AuditService/GetReceiptKeys", {});
    await call("terminology.v1.TerminologyService/ListCategories", {});
  });

  test("refusals are as the document says, too", async () => {
    const query = { patient: "pat_nobody", code: heart, purpose: "PURPOSE_TREATMENT" };
    const rpc = "records.v1.RecordsService/QuerySeries";
    const reasons = [
      await send(rpc, query),
      await send(rpc, query, "wellapi_sk_wrong"),
      await send(rpc, query, world.key),
      await send(rpc, { ...query, purpose: "PURPOSE_UNSPECIFIED" }, world.key),
    ].map(({ status, body }) => [status, body.details[0].type, body.code]);
    expect(reasons).toEqual([
      [401, "google.rpc.ErrorInfo", "unauthenticated"],
      [401, "google.rpc.ErrorInfo", "unauthenticated"],
      [403, "google.rpc.ErrorInfo", "permission_denied"],
      [400, "google.rpc.ErrorInfo", "invalid_argument"],
    ]);
  });

  const batches = "ingestion.v1.IngestionService/CreateSeries";
  const queries = "records.v1.RecordsService/QuerySeries";
  const consents = "consent.v1.ConsentService/CreateConsent";
  const query = { patient: "pat_1", code: heart, purpose: "PURPOSE_TREATMENT" };
  const batch = (changes: object) => ({ batch: { ...seriesBatch("pat_1", "batch-2").batch, ...changes } });
  test.each<[mistake: string, rpc: string, request: object]>([
    ["a misspelt field", queries, { ...query, patiant: "pat_1" }],
    ["a misspelt field below", queries, { ...query, code: { cod: "8867-4" } }],
    ["nothing where something is needed", queries, { code: heart, purpose: "PURPOSE_TREATMENT" }],
    ["an enum value that is none", queries, { ...query, purpose: "PURPOSE_FUN" }],
    ["the enum value that says nothing", queries, { ...query, purpose: "PURPOSE_UNSPECIFIED" }],
    ["a text that is too long", queries, { ...query, patient: "p".repeat(65) }],
    ["a number out of its range", queries, { ...query, digits: 10 }],
    ["a negative page", queries, { ...query, pageSize: -1 }],
    ["an instant without a zone", queries, { ...query, interval: { startTime: "2026-04-12T08:00:00" } }],
    ["a list that is too long", queries, { ...query, codes: Array(65).fill(heart) }],
    ["an id with a wrong character", batches, batch({ requestId: "a b" })],
    ["an empty list", batches, batch({ series: [] })],
    ["an object where a list belongs", batches, batch({ series: {} })],
    ["no consent in a consent", consents, { requestId: randomUUID() }],
    ["no UUID", consents, { consent: { grantee: "org_1", provisions: [] }, requestId: "first" }],
    [
      "two of one",
      "consent.v1.ConsentReceiptService/GetConsentReceipt",
      { consentVersion: { consent: "con_1" }, consentRequest: "crq_1" },
    ],
    ["none of one", "consent.v1.ConsentReceiptService/GetConsentReceipt", {}],
  ])("%s is refused by the document and by the server", async (_mistake, rpc, request) => {
    expect(judge.request(`/wellapi.${rpc}`, request)).not.toEqual([]);
    const credential = rpc === consents ? world.token : world.key;
    const { status, body } = await send(rpc, request, credential);
    expect([status, body.code]).toEqual([400, "invalid_argument"]);
  });

  test("the judge sees an answer that is not the document's", () => {
    expect(judge.answer(`/wellapi.${queries}`, 200, { nextPageToken: 7 })).not.toEqual([]);
    expect(judge.answer(`/wellapi.${queries}`, 403, { message: "no" })).not.toEqual([]);
  });
});

describe("docs/openapi.md", () => {
  const work = temporaryFolder();
  const page = readFileSync(join(root, "docs/openapi.md"), "utf8");
  const [, name, program] = /<!-- file: (\S+) -->\n```ts\n([\s\S]*?)```/.exec(page)!;
  const node = (...args: string[]) =>
    spawnSync(process.execPath, args, {
      cwd: work.path,
      encoding: "utf8",
      env: { ...process.env, WELLAPI_URL: server.http, WELLAPI_API_KEY: server.operatorKey },
    });
  const typed = (file: string) =>
    node(
      join(root, "node_modules/typescript/bin/tsc"),
      ...["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions", "--target", "es2024"],
      ...["--module", "nodenext", "--types", "node", file],
    );

  beforeAll(async () => {
    symlinkSync(join(root, "node_modules"), join(work.path, "node_modules"));
    writeFileSync(join(work.path, "package.json"), '{"type": "module"}');
    writeFileSync(join(work.path, "wellapi.ts"), astToString(await openapiTS(committedYaml)));
    writeFileSync(join(work.path, name!), program!);
  }, 30_000);
  afterAll(() => work.remove());

  test("its client, made by a generator of other authors, has types and makes real calls", () => {
    const checked = typed(name!);
    expect([checked.status, checked.stdout]).toEqual([0, ""]);
    const run = node(name!);
    expect([run.status, run.stderr]).toEqual([0, ""]);
    const [organization, origin, size, ...rest] = run.stdout.trim().split("\n");
    expect(organization).toMatch(/^org_/);
    expect(origin).toBe("wellapi.local/log");
    expect(Number(size)).toBeGreaterThan(0);
    expect(rest.at(-1)).toBe("404 not_found");
  });

  test("its types refuse a call without what the contract needs", () => {
    writeFileSync(join(work.path, "misspelt.ts"), program!.replace("requestId:", "requestID:"));
    const { status, stdout } = typed("misspelt.ts");
    expect(status).not.toBe(0);
    expect(stdout).toContain("requestId");
  });
});
