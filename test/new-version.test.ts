/** docs/adding-a-version.md, tried: a service whose contract has two versions, side by side. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DescMethodUnary, DescService } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { connect, createClient, type WellApiError } from "@wellapi/client";
import { enrolOrganization } from "@wellapi/client/enrolment";
import { enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { type Exchange, openExchange, parseExchangeConfig, services } from "@wellapi/host";
import { createLogger, openTelemetry, type Telemetry, version } from "@wellapi/runtime";
import { createRegistry } from "@wellapi/service";
import { openSqliteStore } from "@wellapi/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OtlpSink, openOtlpSink } from "../packages/runtime/test/otlp-sink.ts";
import { openApiDocument } from "../scripts/openapi/document.ts";
import { buf, GoalServiceV1, GoalServiceV2, Measure, Period } from "./new-version/contracts.ts";
import { goalsService } from "./new-version/descriptor.ts";
import { createGoalRepository, goalCollections } from "./new-version/goal-repository.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-new-version-"));
const page = readFileSync(new URL("../docs/adding-a-version.md", import.meta.url), "utf8");
const example = fileURLToPath(new URL("new-version/", import.meta.url));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The RPC as a generated client would call it, with the headers of its answer. */
async function call(transport: Transport, { methods }: DescService, name: string, input: object = {}) {
  const method = methods.find((one) => one.name === name) as DescMethodUnary;
  const { message, header } = await transport.unary(method, undefined, undefined, undefined, input as never);
  const { $typeName, $unknown, ...fields } = message as unknown as Record<string, unknown>;
  return { fields, header };
}

const steps = (amount: number) => ({ goal: { measure: Measure.STEPS, amount, period: Period.DAY } });
const minutes = { goal: { measure: Measure.ACTIVE_MINUTES, amount: 150, period: Period.WEEK } };

describe("a service with two versions of its contract", () => {
  const registry = createRegistry([...services.services, goalsService]);
  const lines: Record<string, unknown>[] = [];
  let sink: OtlpSink;
  let telemetry: Telemetry;
  let exchange: Exchange;
  let person: Person;
  /** An application of one organization at each door. */
  let doors: readonly (readonly [name: string, transport: Transport])[];

  beforeAll(async () => {
    sink = await openOtlpSink();
    telemetry = await openTelemetry({ serviceName: "exchange", env: sink.env });
    const env = {
      WELLAPI_DATA_DIR: join(folder, "data"),
      WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
    };
    const log = createLogger({
      name: "exchange",
      env: { WELLAPI_LOG_FORMAT: "json" },
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
    });
    exchange = await openExchange(parseExchangeConfig(env, registry), log, registry);
    const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = exchange;
    const server = { grpc, http, dataDir, authority, operatorKey: operatorKey! } as Server;
    const names = { organization: "Maker", application: "sync" };
    const maker = await enrolOrganization(operatorAt(server), names);
    person = await enrolPerson(server, "Ada");
    const { apiKey } = await createClient(CredentialService, operatorAt(server)).createApiKey({
      requestId: crypto.randomUUID(),
      application: maker.application,
    });
    doors = [
      ["gRPC", connect({ url: grpc, certificate: maker.certificate })],
      ["HTTP", connect({ url: http, apiKey })],
    ];
  }, 180_000);

  afterAll(async () => {
    await exchange?.close();
    await telemetry?.close();
    sink?.close();
  });

  test("what is said by one version is read by the other, at both doors", async () => {
    for (const [door, transport] of doors) {
      await call(transport, GoalServiceV1, "SetGoal", { stepsADay: 8_000 });
      const { fields } = await call(transport, GoalServiceV2, "GetGoal");
      expect(fields, door).toMatchObject(steps(8_000));
      await call(transport, GoalServiceV2, "SetGoal", steps(9_500));
      expect(await call(transport, GoalServiceV1, "GetGoal"), door).toMatchObject({
        fields: { stepsADay: 9_500 },
      });
    }
  });

  test("what the older version cannot say it refuses, and it goes on where it can", async () => {
    for (const [door, transport] of doors) {
      await call(transport, GoalServiceV2, "SetGoal", minutes);
      const refused = await call(transport, GoalServiceV1, "GetGoal").catch((error: WellApiError) => error);
      expect(refused, door).toMatchObject({ reason: "NEEDS_LATER_VERSION" });
      expect((refused as WellApiError).metadata.get("wellapi-deprecated"), door).toContain("GetGoal");
      await call(transport, GoalServiceV1, "SetGoal", { stepsADay: 7_000 });
      expect(await call(transport, GoalServiceV2, "GetGoal"), door).toMatchObject({ fields: steps(7_000) });
    }
  });

  test("each version has its own rules for fields, and for who may call", async () => {
    const fieldsOf = (attempt: Promise<unknown>) =>
      attempt.then(
        () => [],
        (error: WellApiError) => [error.reason, ...error.violations.map(({ field }) => field)],
      );
    for (const [, transport] of doors) {
      expect(await fieldsOf(call(transport, GoalServiceV1, "SetGoal", { stepsADay: 100_001 }))).toEqual([
        "INVALID_FIELD",
        "steps_a_day",
      ]);
      const unknown = { goal: { ...steps(1).goal, measure: 7 } };
      expect(await fieldsOf(call(transport, GoalServiceV2, "SetGoal", unknown))).toEqual([
        "INVALID_FIELD",
        "goal.measure",
      ]);
    }
    for (const contract of [GoalServiceV1, GoalServiceV2]) {
      expect(await fieldsOf(call(person.transport, contract, "GetGoal"))).toEqual(["CALLER_NOT_PERMITTED"]);
    }
  });

  test("who calls the older one is told since when it is deprecated, until when it works, and what to call", async () => {
    for (const [door, transport] of doors) {
      const { header: old } = await call(transport, GoalServiceV1, "SetGoal", { stepsADay: 1 });
      expect(Object.fromEntries(old), door).toMatchObject({
        "wellapi-version": version,
        deprecation: "@1803859200",
        sunset: "Wed, 01 Mar 2028 00:00:00 GMT",
        link: expect.stringMatching(/^<\/docs\/versions>; rel="deprecation"/),
        "wellapi-deprecated": "wellapi.goals.v1.GoalService.SetGoal;instead=wellapi.goals.v2.GoalService",
      });
      const { header: current } = await call(transport, GoalServiceV2, "SetGoal", steps(1));
      expect(current.get("wellapi-version"), door).toBe(version);
      for (const name of ["deprecation", "sunset", "wellapi-deprecated"]) {
        expect(current.get(name), `${name}, ${door}`).toBeNull();
      }
    }
  });

  test("the log and traces tell which version was called", async () => {
    const called = [GoalServiceV1, GoalServiceV2].map(({ typeName }) => `${typeName}/GetGoal`);
    const [[, transport]] = doors as readonly [(typeof doors)[number]];
    await call(transport, GoalServiceV2, "SetGoal", steps(1));
    for (const contract of [GoalServiceV1, GoalServiceV2]) await call(transport, contract, "GetGoal");
    const told = (name: string) => lines.some(({ rpc, code }) => rpc === name && code === "OK");
    await expect.poll(() => called.filter(told)).toEqual(called);
    const spans = await sink.until(() => {
      const names = new Set(sink.spans().map(({ name }) => name));
      return called.every((name) => names.has(name)) ? names : undefined;
    });
    expect(spans).toContain(called[0]);
  });
});

test("a goal of the program that had v1 alone opens", async () => {
  const path = join(folder, "goals.sqlite");
  const [declared] = goalCollections;
  const older = await openSqliteStore({
    path,
    collections: [{ ...declared, version: 1 }],
    thread: "callers",
  });
  const document = { partition: "org_one", steps: 6_000 };
  await older.commit({
    partition: "org_one",
    changes: [{ kind: "insert", collection: "goals", document }],
  });
  await older.close();
  const store = await openSqliteStore({ path, collections: goalCollections, thread: "callers" });
  const goals = createGoalRepository(store);
  expect(await goals.find("org_one")).toEqual({ measure: "steps", amount: 6_000, period: "day" });
  await goals.replace("org_one", { measure: "active_minutes", amount: 90, period: "week" });
  expect(await goals.find("org_one")).toEqual({ measure: "active_minutes", amount: 90, period: "week" });
  await store.close();
});

test("OpenAPI has both versions, names no two operations alike, and marks the deprecated one", () => {
  const document = openApiDocument([GoalServiceV1, GoalServiceV2]) as unknown as {
    paths: Record<string, { post: Record<string, unknown> }>;
  };
  expect(
    Object.entries(document.paths).map(([path, { post }]) => [path, post.operationId, post.deprecated]),
  ).toEqual([
    ["/wellapi.goals.v1.GoalService/GetGoal", "GoalService_GetGoal", true],
    ["/wellapi.goals.v1.GoalService/SetGoal", "GoalService_SetGoal", true],
    ["/wellapi.goals.v2.GoalService/GetGoal", "GoalServiceV2_GetGoal", undefined],
    ["/wellapi.goals.v2.GoalService/SetGoal", "GoalServiceV2_SetGoal", undefined],
  ]);
  expect(document.paths["/wellapi.goals.v1.GoalService/GetGoal"]!.post["x-deprecation"]).toEqual({
    since: "2027-03-01",
    sunset: "2028-03-01",
    instead: "wellapi.goals.v2.GoalService",
  });
});

test("both versions pass the lint that ours pass", () => {
  const { status, stdout } = buf("lint", "test/new-version/proto");
  expect(`${status} ${stdout}`).toBe("0 ");
});

test("the page shows the example as it is run", () => {
  const files = readdirSync(example).filter((file) => file.endsWith(".ts") && file !== "contracts.ts");
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(page, file).toContain(`\`\`\`ts\n${readFileSync(join(example, file), "utf8")}\`\`\``);
  }
});
