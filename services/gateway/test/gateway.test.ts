import { once } from "node:events";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import {
  GetObservationRequestSchema,
  RecordsService,
} from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { callerKey, isPublic, problemError, problemOf } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { afterEach, describe, expect, test, vi } from "vitest";
import { services } from "../../../host/src/services.ts";
import type { Gateway } from "../src/index.ts";
import { type Handlers, openTestGateway } from "./harness.ts";

let gateway: Gateway;
let url: string;

async function open(
  handlers: Handlers = {},
  options: Parameters<typeof openTestGateway>[1] = {},
): Promise<void> {
  ({ gateway, url } = await openTestGateway(handlers, options));
}

afterEach(async () => {
  await gateway.close();
});

const observation = { patient: "pat_1", observation: "obs_1", purpose: "PURPOSE_TREATMENT" };
const watch = { patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT };
const key = { authorization: "Bearer wellapi_sk_clinic" };

function post(method: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const getObservation = "wellapi.records.v1.RecordsService/GetObservation";

const echo: Handlers = {
  records: {
    getObservation: (request, context) => {
      const { principal, workload } = context.values.get(callerKey);
      return { access: `${principal.id} by ${workload}: ${request.patient}` };
    },
  },
};

describe("calls", () => {
  test("plain JSON, as the caller whose key it is, with headers for health data", async () => {
    await open(echo);
    const response = await post(getObservation, observation, key);
    expect(await response.json()).toEqual({ access: "app_clinic by gateway: pat_1" });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("vary")).toContain("authorization");
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("strict-transport-security")).not.toBeNull();
    expect(response.headers.has("access-control-allow-origin")).toBe(false);
    expect(response.headers.has("x-powered-by")).toBe(false);
  });

  test("an API key in x-api-key, and a patient's bearer token", async () => {
    await open(echo);
    const byKey = await post(getObservation, observation, { "x-api-key": "wellapi_sk_clinic" });
    expect(await byKey.json()).toMatchObject({ access: expect.stringContaining("app_clinic") });
    const byToken = await post(getObservation, observation, { authorization: "Bearer patient_token" });
    expect(await byToken.json()).toMatchObject({ access: expect.stringContaining("pat_1 by") });
  });

  test("GET where nothing identifies a person, and nowhere else: a URL ends in other people's logs", async () => {
    await open({ ...echo, audit: { getCheckpoint: () => ({}) } });
    const get = (method: string, message: object) => {
      const query = new URLSearchParams({
        connect: "v1",
        encoding: "json",
        message: JSON.stringify(message),
      });
      return fetch(`${url}/${method}?${query}`, { headers: key });
    };
    expect((await get("wellapi.audit.v1.AuditService/GetCheckpoint", {})).status).toBe(200);
    for (const { name, input } of RecordsService.methods) {
      expect([name, (await get(`${RecordsService.typeName}/${name}`, {})).status]).toEqual([name, 405]);
      expect(input.fields.some((field) => field.name === "patient")).toBe(true);
    }
    const refused = await get(getObservation, observation);
    expect(refused.status).toBe(405);
    expect(refused.headers.get("cache-control")).toContain("no-store");
  });

  test("public data may be kept, if it is checked again", async () => {
    await open({ audit: { getCheckpoint: () => ({}) } });
    const response = await post("wellapi.audit.v1.AuditService/GetCheckpoint", {});
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-cache");
  });

  test("Connect binary and gRPC-Web, also streaming", async () => {
    await open({
      records: {
        ...echo.records,
        async *watchSeries() {
          yield { payload: { case: "start" as const, value: { access: "acc_ü" } } };
          throw problemError({
            code: Code.PermissionDenied,
            reason: "CONSENT_REVOKED",
            message: "widerrufen ☂",
          });
        },
      },
    });
    const options = { baseUrl: url, httpVersion: "1.1" as const };
    for (const transport of [
      createConnectTransport({ ...options, useBinaryFormat: true }),
      createGrpcWebTransport(options),
    ]) {
      const records = createClient(RecordsService, transport);
      const request = { ...observation, purpose: Purpose.TREATMENT };
      expect((await records.getObservation(request, { headers: key })).access).toContain("app_clinic");
      const seen: unknown[] = [];
      const end = (async () => {
        for await (const { payload } of records.watchSeries(watch, { headers: key }))
          seen.push(payload.value);
      })();
      const error = await end.catch((thrown: ConnectError) => thrown);
      expect(seen).toMatchObject([{ access: "acc_ü" }]);
      expect(problemOf(error as ConnectError)).toEqual({
        code: Code.PermissionDenied,
        reason: "CONSENT_REVOKED",
        message: "widerrufen ☂",
      });
    }
  });

  test("a client that goes away ends the call upstream", async () => {
    const ended = Promise.withResolvers<void>();
    await open({
      records: {
        async *watchSeries(_request, context) {
          yield {};
          context.signal.addEventListener("abort", () => ended.resolve());
          await ended.promise;
        },
      },
    });
    const cancel = new AbortController();
    const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
    const stream = createClient(RecordsService, transport).watchSeries(watch, {
      headers: key,
      signal: cancel.signal,
    });
    await expect(
      (async () => {
        for await (const _message of stream) cancel.abort();
      })(),
    ).rejects.toMatchObject({ code: Code.Canceled });
    await ended.promise;
  });

  test("a call that lasts beyond the limit ends, also upstream", async () => {
    const ended: Promise<unknown>[] = [];
    await open(
      {
        records: {
          getObservation(_request, { signal }) {
            ended.push(signal.aborted ? Promise.resolve() : once(signal, "abort"));
            return new Promise(() => {}); // never by itself
          },
        },
      },
      { maximumTimeoutMs: 50 },
    );
    // On a machine that stalls the time may be over before the handler is reached.
    while (ended.length === 0) {
      const response = await post(getObservation, observation, { ...key, "connect-timeout-ms": "60000" });
      expect(response.status).toBe(504);
      expect(await response.json()).toMatchObject({ code: "deadline_exceeded" });
    }
    await Promise.all(ended);
  });
});

describe("bad input", () => {
  test("errors carry their reason and the field", async () => {
    await open(echo);
    const response = await post(getObservation, { ...observation, patient: "" }, key);
    expect(response.status).toBe(400);
    const body = (await response.json()) as { code: string; details: { type: string; debug: unknown }[] };
    expect(body.code).toBe("invalid_argument");
    expect(body.details.map(({ type }) => type)).toEqual(["google.rpc.ErrorInfo", "google.rpc.BadRequest"]);
    expect(body.details[1]!.debug).toMatchObject({ fieldViolations: [{ field: "patient" }] });
  });

  test("a misspelt field is refused by name", async () => {
    await open(echo);
    const response = await post(getObservation, { ...observation, pateint: "x" }, key);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: expect.stringContaining("pateint") });
  });

  test.each([
    ["?api_key=wellapi_sk_clinic"],
    ["?access_token=abc"],
    ["?x=wellapi_sk_clinic"],
    ["?Authorization=Bearer%20abc"],
    ["?jwt=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."],
  ])("a credential in the URL is refused on every path: %s", async (query) => {
    await open(echo);
    for (const path of [`/${getObservation}`, "/healthz", "/nothing"]) {
      const response = await fetch(`${url}${path}${query}`);
      expect(response.status).toBe(400);
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({
        reason: "CREDENTIAL_IN_URL",
        message: expect.stringContaining("authorization"),
      });
      expect(text).not.toContain("wellapi_sk_clinic");
    }
  });

  test("an unknown credential, and none", async () => {
    await open(echo);
    expect((await post(getObservation, observation, { authorization: "Bearer wrong" })).status).toBe(401);
    const none = await post(getObservation, observation);
    expect(none.status).toBe(401);
    expect(await none.json()).toMatchObject({ message: expect.stringContaining("Bearer") });
  });

  test("a body over 1 MiB, announced or not, plain or compressed", async () => {
    await open(echo);
    const large = JSON.stringify({ ...observation, patient: "x".repeat(1_100_000) });
    expect((await post(getObservation, large, key)).status).toBe(429);
    const chunked = await fetch(`${url}/${getObservation}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...key },
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(chunked.status).toBe(429);
    const zipped = new Blob([large]).stream().pipeThrough(new CompressionStream("gzip"));
    const compressed = await fetch(`${url}/${getObservation}`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip", ...key },
      body: await new Response(zipped).arrayBuffer(),
    });
    expect(compressed.status).toBe(429);
    expect(await compressed.json()).toMatchObject({ code: "resource_exhausted" });
  });

  test("an answer over the limit is not the fault of the request's size, and says what to ask instead", async () => {
    await open({
      records: { getObservation: () => ({ access: "x".repeat(1_100_000) }) },
    });
    const response = await post(getObservation, observation, key);
    expect(response.status).toBe(400);
    const told = (await response.json()) as { code: string; message: string };
    expect(told.code).toBe("out_of_range");
    expect(told.message).toMatch(/^the answer is larger .*page_size or a shorter interval/);
    expect(JSON.stringify(told)).toContain("ANSWER_TOO_LARGE");
  });

  test("headers over 16 KiB", async () => {
    await open(echo);
    const response = await post(getObservation, observation, { ...key, "x-long": "x".repeat(17_000) });
    expect(response.status).toBe(431);
  });

  test("what is not there says where things are; internal services are not there", async () => {
    await open(echo);
    for (const path of [
      "/nothing",
      "/wellapi.internal.identity.v1.TokenExchangeService/ExchangeCredential",
      "/wellapi.internal.records.v1.RecordsWriteService/AppendSeries",
      "/wellapi.internal.consent.v1.ConsentDecisionService/Decide",
      "/wellapi.internal.audit.v1.AuditIntakeService/Append",
    ]) {
      const response = await post(path.slice(1), {});
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        reason: "NOT_FOUND",
        message: expect.stringContaining("POST /"),
      });
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("an unexpected error upstream says nothing and never reaches the console", async () => {
    const consoleError = vi.spyOn(console, "error");
    await open({
      records: {
        getObservation() {
          throw new TypeError("CANARY");
        },
      },
    });
    const response = await post(getObservation, observation, key);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("CANARY");
    expect(consoleError).not.toHaveBeenCalled();
    consoleError.mockRestore();
  });

  test("the access log names the call, its caller and its outcome, nothing of whom it is about", async () => {
    const lines: string[] = [];
    const note = (fields: unknown, message?: string): void =>
      void lines.push(JSON.stringify([fields, message]));
    await open(echo, { log: { ...silentLogger, info: note } });
    await post(getObservation, observation, key);
    const query = new URLSearchParams({
      connect: "v1",
      encoding: "json",
      message: JSON.stringify(observation),
    });
    await fetch(`${url}/${getObservation}?${query}`, { headers: key });
    expect(lines.join()).not.toMatch(/pat_1|obs_1|wellapi_sk|org_clinic/);
    expect(lines).toHaveLength(2); // of the call, and of the GET that is refused
    expect(lines[1]).toContain("METHOD_NOT_ALLOWED");
    expect(lines[0]).toContain("RecordsService/GetObservation");
    expect(lines[0]).toContain('"code":"OK"');
    expect(lines[0]).toContain('"application":"app_clinic"');
    expect(lines[0]).not.toMatch(/pat_1|obs_1|wellapi_sk|org_clinic/);
  });
});

describe("paths that are no RPCs", () => {
  test("health and readiness", async () => {
    await open({});
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok" });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
});

test("CORS is for the listed origins only", async () => {
  await open(echo, { env: { WELLAPI_CORS_ORIGINS: "https://app.example" } });
  const good = await post(getObservation, observation, { ...key, origin: "https://app.example" });
  expect(good.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(good.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("x-request-id");
  expect(good.headers.get("access-control-allow-credentials")).toBeNull();
  expect(good.headers.get("vary")?.toLowerCase()).toContain("origin");
  const bad = await post(getObservation, observation, { ...key, origin: "https://evil.example" });
  expect(bad.headers.get("access-control-allow-origin")).not.toBe("https://evil.example");
  const preflight = await fetch(`${url}/${getObservation}`, {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  expect(preflight.status).toBe(204);
  const allowed = preflight.headers.get("access-control-allow-headers")?.toLowerCase();
  expect(allowed).toContain("authorization");
  // It is no sandbox.
  expect(allowed).not.toContain("wellapi-sandbox-fault");
});

test("in the sandbox a page of this machine may call, and its calls may carry a trace and order a failure", async () => {
  await open(echo, { profile: "sandbox" });
  const preflight = (origin: string) =>
    fetch(`${url}/${getObservation}`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers":
          "authorization,content-type,traceparent,tracestate,wellapi-sandbox-fault",
      },
    });
  for (const origin of [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://[::1]",
    "https://localhost",
  ]) {
    const answer = await preflight(origin);
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(/, */);
    expect(allowed).toEqual(
      expect.arrayContaining(["authorization", "traceparent", "tracestate", "wellapi-sandbox-fault"]),
    );
  }
  for (const origin of [
    "https://localhost.evil.example",
    "https://evil.example",
    "http://localhost@evil.example",
    "null",
  ]) {
    const answer = await preflight(origin);
    expect(answer.headers.get("access-control-allow-origin")).not.toBe(origin);
  }
});

test("a taken port says so in one line", async () => {
  await open();
  await expect(openTestGateway({}, { port: gateway.port })).rejects.toMatchObject({
    code: "address-in-use",
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ is taken .*WELLAPI_HTTP_PORT/),
  });
});

test("closing lets a call finish and tells open streams", async () => {
  const reached = Promise.withResolvers<void>();
  const streaming = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await open({
    records: {
      async getObservation() {
        reached.resolve();
        await release.promise;
        return { access: "finished" };
      },
      async *watchSeries() {
        yield {};
        streaming.resolve();
        await new Promise(() => {});
      },
    },
  });
  const answer = post(getObservation, observation, key);
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  const stream = Array.fromAsync(
    createClient(RecordsService, transport).watchSeries(watch, { headers: key }),
  ).catch((error: ConnectError) => error);
  await Promise.all([reached.promise, streaming.promise]);
  const closed = gateway.close(300);
  release.resolve();
  expect(await (await answer).json()).toEqual({ access: "finished" });
  await closed;
  expect(problemOf((await stream) as ConnectError)).toMatchObject({
    code: Code.Unavailable,
    reason: "SERVER_STOPPING",
  });
});

test("the list of services is that of the contracts", async () => {
  await open();
  const { readdir } = await import("node:fs/promises");
  const root = new URL(`${import.meta.resolve("@wellapi/gen/wellapi/type/v1/callers_pb")}/../../../`);
  const found: string[] = [];
  for (const file of await readdir(root, { recursive: true })) {
    if (!file.endsWith("_service_pb.js")) continue;
    const module = (await import(new URL(file, root).href)) as Record<string, unknown>;
    for (const exported of Object.values(module)) {
      const service = exported as { kind?: string; typeName: string };
      if (service.kind === "service" && isPublic(exported as never)) found.push(service.typeName);
    }
  }
  expect(services.publicContracts.map(({ typeName }) => typeName).sort()).toEqual(found.sort());
});

test("a request in binary by hand", async () => {
  await open(echo);
  const message = toBinary(
    GetObservationRequestSchema,
    create(GetObservationRequestSchema, { ...observation, purpose: Purpose.TREATMENT }),
  );
  const response = await fetch(`${url}/${getObservation}`, {
    method: "POST",
    headers: { "content-type": "application/proto", ...key },
    body: Buffer.from(message),
  });
  expect(response.status).toBe(200);
});

describe("a request that is no message says why, with a reason, and how to mend it:", () => {
  const gzip = { "content-encoding": "br" };
  test.each([
    ["JSON that does not end", '{"patient": ', {}, 400, "MALFORMED_MESSAGE", /contract/],
    ["a field that there is not", { pateint: "pat_1" }, {}, 400, "MALFORMED_MESSAGE", /pateint/],
    ["a body over the limit", { patient: "x".repeat(1_100_000) }, {}, 429, "MESSAGE_TOO_LARGE", /send less/],
    ["an encoding that nobody knows", observation, gzip, 501, "REQUEST_REFUSED", /compression/],
    ["a time that is none", observation, { "connect-timeout-ms": "soon" }, 400, "MALFORMED_MESSAGE", /soon/],
    [
      "a content type that is none",
      observation,
      { "content-type": "text/html" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      /json/,
    ],
  ] as const)("%s", async (_name, body, headers, status, reason, hint) => {
    await open(echo);
    const answer = await post(getObservation, body, { ...key, ...headers });
    expect(answer.status).toBe(status);
    const error = errorFromJson(
      (await answer.json()) as never,
      undefined,
      new ConnectError("", Code.Unknown),
    );
    expect(problemOf(error)).toMatchObject({ reason, message: expect.stringMatching(hint) });
    expect(error.findDetails(ErrorInfoSchema)).toHaveLength(1);
  });
});
