/** Budgets through both doors of a real server: who is refused, how, and who is not. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { type Company, enrolCompany, enrolPerson, operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { RetryInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { LimitService } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { parseList } from "structured-headers";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = temporaryFolder();
const logFile = join(folder.path, "log");
let server: Server;
let loud: Company;
let quiet: Company;
let loudKey: string;

/** 20 units in a window of ten seconds. */
const organizationRate = 2;
/** A wrong key, and one more that is under way, in a window. */
const addressRate = 10;

beforeAll(async () => {
  server = await startServer({
    dataDir: join(folder.path, "data"),
    target: "one-process",
    logFile,
    env: { WELLAPI_ADDRESS_RATE: String(addressRate), WELLAPI_LOG_FORMAT: "json" },
  });
  loud = await enrolCompany(server, "Loud");
  quiet = await enrolCompany(server, "Quiet");
  const operator = operatorAt(server);
  const { application } = await createClient(OrganizationService, operator).createApplication({
    application: { organization: loud.organization, displayName: "Loud over HTTP" },
    requestId: "http",
  });
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    requestId: randomUUID(),
    application: application!.id,
  });
  loudKey = apiKey;
});
afterAll(async () => {
  expect(await server?.stop()).toBe(0);
  folder.remove();
});

function post(rpc: string, key?: string): Promise<Response> {
  return fetch(`${server.http}/${rpc}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    body: "{}",
  });
}

const listConsents = `${ConsentService.typeName}/ListConsents`;

/** The parameters of the one item of a field of draft-ietf-httpapi-ratelimit-headers. */
function parametersOf(answer: Response, field: string): Record<string, unknown> {
  const [[name, parameters]] = parseList(answer.headers.get(field)!) as never as [
    [string, ReadonlyMap<string, unknown>],
  ];
  return { name, ...Object.fromEntries(parameters) };
}

const morning = Date.UTC(2026, 3, 12, 6);
const refusalOf = (error: unknown): ConnectError => ConnectError.from(error);

test("an organization's budget is one at both doors, and another's is not touched", async () => {
  const limits = createClient(LimitService, operatorAt(server));
  await limits.updateLimits({ limits: { organization: loud.organization, organizationRate } });
  const first = await post(listConsents, loudKey);
  expect(first.status).toBe(200);
  expect(parametersOf(first, "ratelimit-policy")).toEqual({ name: "organization", q: 20, w: 10 });
  expect(parametersOf(first, "ratelimit")).toMatchObject({ name: "organization", r: 19 });

  const asLoud = createClient(ConsentService, loud.transport);
  let refused: ConnectError | undefined;
  for (let calls = 0; calls < 60 && refused === undefined; calls++) {
    await asLoud.listConsents({}).catch((error: unknown) => {
      refused = refusalOf(error);
    });
  }
  expect(problemOf(refused!)).toMatchObject({ code: Code.ResourceExhausted, reason: "RATE_LIMITED" });
  const [retry] = refused!.findDetails(RetryInfoSchema);
  expect(Number(retry?.retryDelay?.seconds)).toBeLessThanOrEqual(10);

  const answer = await post(listConsents, loudKey);
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ code: "resource_exhausted" });
  expect(parametersOf(answer, "ratelimit")).toMatchObject({ name: "organization", r: 0 });
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(10);

  await createClient(ConsentService, quiet.transport).listConsents({});
});

test("bytes cost, too, in both directions", async () => {
  /** What is left in the window, and for how many seconds. */
  const left = async (body: object): Promise<{ r: number; t: number }> => {
    const answer = await fetch(`${server.http}/${listConsents}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await rightKey()}` },
      body: JSON.stringify(body),
    });
    return parametersOf(answer, "ratelimit") as never;
  };
  const ask = async () =>
    [await left({}), await left({ pageToken: "x".repeat(50_000) }), await left({})] as const;
  let [first, large, last] = await ask();
  // A new window has more time left than the one before.
  if (last.t > first.t) [first, large, last] = await ask();
  expect(large.r).toBe(first.r - 1);
  expect(last.r).toBe(first.r - 1 - 3 - 1);
});

test("a stream beyond the budget is slowed, and every batch of it answered", async () => {
  const sender = await enrolCompany(server, "Sender");
  // 100 units: five times 20 messages.
  await createClient(LimitService, operatorAt(server)).updateLimits({
    limits: { organization: sender.organization, organizationRate: 10 },
  });
  const person = await enrolPerson(server, "Patient");
  await createClient(ConsentService, person.transport).createConsent({
    requestId: "contribute",
    consent: {
      grantee: sender.organization,
      provisions: [
        {
          effect: Provision_Effect.PERMIT,
          directions: [Direction.CONTRIBUTE],
          categories: [{ name: "heart" }],
        },
      ],
    },
  });
  const { consents } = await createClient(ConsentService, sender.transport).listConsents({});
  const { patient } = consents[0]!;
  const count = 130;
  const answers = new Set<string>();
  const batches = async function* () {
    for (let i = 0; i < count; i++) {
      yield {
        batch: {
          requestId: `batch-${i}`,
          patient,
          series: [
            {
              code: { code: "8867-4" },
              unit: "/min",
              times: {
                start: { case: "startTime" as const, value: timestampFromMs(morning + i * 60_000) },
                utcOffsetMinutes: 120,
                spacing: { case: "periodMs" as const, value: 60_000 },
              },
              values: { case: "decimals" as const, value: { mantissas: [72] } },
            },
          ],
        },
      };
    }
  };
  const before = slowed();
  const ingestion = createClient(IngestionService, sender.transport);
  for await (const { requestId, result } of ingestion.streamSeries(batches())) {
    if (result.case === "receipt") answers.add(requestId);
  }
  expect(answers.size).toBe(count);
  expect(slowed()).toBeGreaterThan(before);
}, 60_000);

/** Lines that say that a budget is used up. */
function slowed(): number {
  return readFileSync(logFile, "utf8")
    .split("\n")
    .filter((line) => line.includes("a budget is used up") && line.includes('"organization"')).length;
}

test("an address that opens too many connections at the gRPC door is refused there before TLS, and others are not", async () => {
  const port = Number(server.grpc.split(":").at(-1));
  const greet = async (localAddress: string): Promise<string> => {
    const socket = connectTcp({ port, host: "127.0.0.1", localAddress });
    await once(socket, "connect").catch(() => {});
    const tls = connectTls({ socket, rejectUnauthorized: false });
    const failed = once(tls, "error").then(([error]) => String(error));
    const greeted = once(tls, "secureConnect").then(
      () => "greeted",
      () => failed,
    );
    const outcome = await Promise.race([greeted, failed]);
    tls.destroy();
    return outcome;
  };
  const open = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const socket = connectTcp({ port, host: "127.0.0.1", localAddress: "127.0.0.3" });
      await once(socket, "connect");
      socket.destroy();
    }
  };
  await open(1_000);
  let outcome = await greet("127.0.0.3");
  // On a machine that took ten seconds for them, a new window has begun.
  for (let more = 0; outcome === "greeted" && more < 20; more++) {
    await open(100);
    outcome = await greet("127.0.0.3");
  }
  expect(outcome).toMatch(/ECONNRESET|disconnected|EPIPE/);
  expect(await greet("127.0.0.4")).toBe("greeted");
  await expect.poll(() => readFileSync(logFile, "utf8")).toContain("an address opened too many connections");
});

test("calls that are not for the caller's kind use its budget up, as denials of a service do", async () => {
  const curious = await enrolCompany(server, "Curious");
  // 1,000 units: a denial is 500 and the call itself.
  await createClient(LimitService, operatorAt(server)).updateLimits({
    limits: { organization: curious.organization, organizationRate: 100 },
  });
  const organizations = createClient(OrganizationService, curious.transport);
  const reasons: string[] = [];
  for (let call = 0; call < 4; call++) {
    await organizations
      .createOrganization({ requestId: randomUUID(), organization: { displayName: "Mine" } })
      .catch((error: unknown) => reasons.push(problemOf(refusalOf(error)).reason));
  }
  const [refused, limited] = ["CALLER_NOT_PERMITTED", "RATE_LIMITED"];
  expect(reasons).toEqual([refused, refused, limited, limited]);
});

test("wrong keys stop an address, but not those behind it whose keys were right", async () => {
  expect((await post(listConsents, await rightKey())).status).toBe(200);
  const wrong = () => post(listConsents, `wellapi_sk_${randomUUID().replaceAll("-", "")}aaaaaaaaaaa`);
  const statuses: number[] = [];
  for (let i = 0; i < 6; i++) statuses.push((await wrong()).status);
  expect(statuses[0]).toBe(401);
  expect(statuses.at(-1)).toBe(429);
  const refused = await wrong();
  expect(parametersOf(refused, "ratelimit-policy")).toEqual({ name: "address", q: 100, w: 10 });
  expect(refused.headers.get("retry-after")).toMatch(/^([1-9]|10)$/);
  expect((await post(listConsents, await rightKey())).status).toBe(200);
  // Nobody's calls, from the same address.
  expect((await post(`${AuditService.typeName}/GetCheckpoint`)).status).toBe(429);
});

let key: string | undefined;
async function rightKey(): Promise<string> {
  if (key !== undefined) return key;
  const operator = operatorAt(server);
  const { application } = await createClient(OrganizationService, operator).createApplication({
    application: { organization: quiet.organization, displayName: "Quiet over HTTP" },
    requestId: "quiet-http",
  });
  const { apiKey } = await createClient(CredentialService, operator).createApiKey({
    requestId: randomUUID(),
    application: application!.id,
  });
  key = apiKey;
  return key;
}

test("the log names no caller", () => {
  const lines = readFileSync(logFile, "utf8");
  expect(lines).toContain("a budget is used up");
  expect(lines).not.toContain(loud.organization);
});
