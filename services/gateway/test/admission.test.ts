import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendBytes, withoutBody } from "../../../packages/http/test/raw-http.ts";
import { type Handlers, openTestGateway } from "./harness.ts";

const getObservation = "wellapi.records.v1.RecordsService/GetObservation";
const createSeries = "wellapi.ingestion.v1.IngestionService/CreateSeries";
const readSeries = "wellapi.records.v1.RecordsService/ReadSeries";
const getCheckpoint = "wellapi.audit.v1.AuditService/GetCheckpoint";
const clinic = { authorization: "Bearer wellapi_sk_clinic" };
const observation = { patient: "pat_1", observation: "obs_1", purpose: "PURPOSE_TREATMENT" };

interface Line {
  readonly reason?: string;
  readonly code?: string;
  readonly request_id: string;
}

async function open(handlers: Handlers = {}, env: Record<string, string> = {}) {
  const lines: Line[] = [];
  const write = (fields: unknown) => void lines.push(fields as Line);
  const log = { ...silentLogger, info: write, warn: write, error: write };
  const { gateway, url } = await openTestGateway(handlers, { env, log });
  onTestFinished(() => gateway.close());
  return { url, lines };
}

const echo: Handlers = {
  records: { getObservation: ({ patient }) => ({ access: patient }) },
  ingestion: { createSeries: ({ batch }) => ({ receipt: { batch: batch?.requestId ?? "" } }) },
  audit: { getCheckpoint: () => ({}) },
};

function post(
  url: string,
  path: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`${url}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

const reasonIn = (body: string): string =>
  problemOf(errorFromJson(JSON.parse(body), undefined, new ConnectError("", Code.Unknown))).reason;

describe("a refused caller gets the answer before any of the body was sent:", () => {
  test.each([
    ["nobody", {}, 401, "CREDENTIAL_REQUIRED"],
    ["a wrong key", { authorization: "Bearer wrong" }, 401, "CREDENTIAL_INVALID"],
  ] as const)("%s", async (_name, headers, status, reason) => {
    const { url, lines } = await open(echo);
    const answer = await withoutBody(url, getObservation, { ...headers, "content-encoding": "gzip" });
    expect(answer.status).toBe(status);
    expect(lines).toEqual([expect.objectContaining({ reason })]);
    expect(answer.headers["x-request-id"]).toBe(lines[0]!.request_id);
  });

  test("a caller of a kind that the contract does not name", async () => {
    const { url, lines } = await open(echo);
    const answer = await withoutBody(url, createSeries, { authorization: "Bearer patient_token" });
    expect([answer.status, reasonIn(answer.body)]).toEqual([403, "CALLER_NOT_PERMITTED"]);
    expect(lines.map(({ reason }) => reason)).toEqual(["CALLER_NOT_PERMITTED"]);
  });

  test.each([
    ["a stream", readSeries, "application/connect+json"],
    ["gRPC-Web", getObservation, "application/grpc-web+proto"],
  ])("%s", async (_name, path, type) => {
    const { url, lines } = await open(echo);
    const answer = await withoutBody(url, path, { "content-type": type });
    expect(answer.status).toBe(200); // The status is in the body of these two.
    expect(answer.body).toMatch(/CREDENTIAL_REQUIRED|grpc-status: 16/i);
    expect(lines.map(({ reason }) => reason)).toEqual(["CREDENTIAL_REQUIRED"]);
  });
});

describe("compression", () => {
  const json = JSON.stringify(observation);

  test("of nobody is refused by its headers, at a method that anybody may call", async () => {
    const { url, lines } = await open(echo);
    const answer = await withoutBody(url, getCheckpoint, { "content-encoding": "gzip" });
    expect([answer.status, reasonIn(answer.body)]).toEqual([401, "CREDENTIAL_REQUIRED"]);
    const message = gzipSync(`{"x":${"[".repeat(400_000)}${"]".repeat(400_000)}}`).toString("base64url");
    expect(message.length).toBeLessThan(6_000);
    const query = new URLSearchParams({
      connect: "v1",
      encoding: "json",
      base64: "1",
      compression: "gzip",
      message,
    });
    const get = await fetch(`${url}/${getCheckpoint}?${query}`);
    expect([get.status, reasonIn(await get.text())]).toEqual([401, "CREDENTIAL_REQUIRED"]);
    expect(lines.map(({ reason }) => reason)).toEqual(["CREDENTIAL_REQUIRED", "CREDENTIAL_REQUIRED"]);
    expect((await post(url, getCheckpoint, "{}", {})).status).toBe(200);
  });

  test("of a caller with a credential is taken, up to the limit after decompression", async () => {
    const { url } = await open(echo);
    const gzip = { ...clinic, "content-encoding": "gzip" };
    expect((await post(url, getObservation, gzipSync(json), gzip)).status).toBe(200);
    const bomb = gzipSync(JSON.stringify({ ...observation, patient: "x".repeat(5_000_000) }));
    const refused = await post(url, getObservation, bomb, gzip);
    expect([refused.status, reasonIn(await refused.text())]).toEqual([429, "MESSAGE_TOO_LARGE"]);
  });
});

test.each([
  ["a small message", getObservation, "application/json"],
  ["one that may be large", createSeries, "application/json"],
  ["the message of a stream", readSeries, "application/connect+json"],
])("who leaves in the middle of %s has canceled the call, and that is all", async (_name, path, type) => {
  const { url, lines } = await open(echo);
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = `POST /${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${clinic.authorization}\r\n`;
  socket.write(`${head}content-type: ${type}\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n{"`);
  await once(socket, "data"); // Admitted: the body is asked for.
  socket.resetAndDestroy();
  await expect.poll(() => lines.length).toBeGreaterThan(0);
  expect(lines).toEqual([expect.objectContaining({ code: "CANCELLED", reason: "CANCELED" })]);
});

describe("a message", () => {
  const batch = (bytes: number) =>
    JSON.stringify({
      batch: { requestId: "large-0001", patient: "pat_1", series: [{ code: { code: "8867-4" } }] },
    }).padEnd(bytes, " ");

  test("is as large as its contract says, at most", async () => {
    const { url } = await open(echo);
    const status = async (path: string, body: string) => (await post(url, path, body, clinic)).status;
    expect(await status(getObservation, JSON.stringify(observation).padEnd(65_536, " "))).toBe(200);
    expect(await status(getObservation, JSON.stringify(observation).padEnd(65_537, " "))).toBe(429);
    expect(await status(createSeries, batch(1_048_576))).toBe(200);
    expect(await status(createSeries, batch(1_048_577))).toBe(429);
  });

  test.each([
    ["many empty messages", `{"batch":{"series":[${"{},".repeat(60_000)}{}]}}`, /50000 objects/],
    ["deep nesting", `{"batch":${'{"x":'.repeat(40)}1${"}".repeat(40)}}`, /32 levels/],
  ])("of JSON with %s is refused before it is parsed, also compressed", async (_name, body, hint) => {
    const { url, lines } = await open(echo);
    for (const [sent, headers] of [
      [body, {}],
      [gzipSync(body), { "content-encoding": "gzip" }],
    ] as const) {
      const answer = await post(url, createSeries, sent, { ...clinic, ...headers });
      expect(answer.status).toBe(400);
      const text = await answer.text();
      expect(reasonIn(text)).toBe("MALFORMED_MESSAGE");
      expect(text).toMatch(hint);
    }
    expect(lines.map(({ reason }) => reason)).toEqual(["MALFORMED_MESSAGE", "MALFORMED_MESSAGE"]);
  });

  test("may hold brackets in its texts, and gzip with an empty body is none", async () => {
    const { url } = await open(echo);
    const series = [{ code: { code: "8867-4", display: `\\"${"[{".repeat(90)}` } }];
    const body = JSON.stringify({ batch: { requestId: "texts-0001", patient: "p", series } });
    expect((await post(url, createSeries, body, clinic)).status).toBe(200);
  });
});

describe("every refusal has a request id and one line in the log:", () => {
  const json = JSON.stringify(observation);
  const preflight = { origin: "https://evil.example", "access-control-request-method": "POST" };
  const cases: [string, string, RequestInit, number, string][] = [
    ["malformed JSON", getObservation, { body: "{" }, 400, "MALFORMED_MESSAGE"],
    ["a field that is not there", getObservation, { body: '{"pateint":1}' }, 400, "MALFORMED_MESSAGE"],
    ["a message over the limit", getObservation, { body: "x".repeat(70_000) }, 429, "MESSAGE_TOO_LARGE"],
    ["a rule of the contract", getObservation, { body: "{}" }, 400, "INVALID_FIELD"],
    ["an unknown path", "nothing", { body: "{}" }, 404, "NOT_FOUND"],
    [
      "another content type",
      getObservation,
      { body: json, headers: { ...clinic, "content-type": "text/html" } },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["another method of HTTP", getObservation, { method: "GET" }, 405, "METHOD_NOT_ALLOWED"],
    ["a method that no path has", getObservation, { method: "DELETE" }, 404, "NOT_FOUND"],
    [
      "a stream both ways",
      "wellapi.ingestion.v1.IngestionService/StreamSeries",
      { body: "{}", headers: { ...clinic, "content-type": "application/connect+json" } },
      505,
      "STREAM_NOT_SERVED",
    ],
    ["a preflight", getObservation, { method: "OPTIONS", headers: preflight }, 403, "ORIGIN_NOT_ALLOWED"],
    ["a credential in the URL", "healthz?api_key=x", { method: "GET" }, 400, "CREDENTIAL_IN_URL"],
    ["a path that does not decode", "%zz", { method: "GET" }, 400, "MALFORMED_REQUEST"],
  ];

  test.each(cases)("%s", async (_name, path, init, status, reason) => {
    const { url, lines } = await open(echo, { WELLAPI_CORS_ORIGINS: "https://app.example" });
    const answer = await fetch(`${url}/${path}`, {
      method: "POST",
      headers: { ...clinic, "content-type": "application/json" },
      ...init,
    });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(reason === "INVALID_FIELD" ? "invalid_argument" : "message");
    expect(lines).toEqual([expect.objectContaining({ reason })]);
    expect(answer.headers.get("x-request-id")).toBe(lines[0]!.request_id);
  });

  test("bytes that are no HTTP, and headers over 16 KiB", async () => {
    const { url, lines } = await open();
    const long = `GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(17_000)}\r\n\r\n`;
    const answers = [await sendBytes(url, "nonsense\r\n\r\n"), await sendBytes(url, long)];
    expect(lines.map(({ reason }) => reason)).toEqual(["MALFORMED_REQUEST", "HEADERS_TOO_LARGE"]);
    for (const [at, answer] of answers.entries()) {
      expect(answer).toContain(`x-request-id: ${lines[at]!.request_id}`);
      expect(JSON.parse(answer.split("\r\n\r\n")[1]!)).toMatchObject({ reason: lines[at]!.reason });
    }
  });
});

test("a refused preflight names the setting", async () => {
  const { url } = await open();
  const answer = await fetch(`${url}/${getObservation}`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ message: expect.stringContaining("WELLAPI_CORS_ORIGINS") });
});

test("a stream called with plain JSON is told what to send, and which RPC needs no stream", async () => {
  const { url } = await open(echo);
  const answer = await post(url, "wellapi.records.v1.RecordsService/ReadSeries", "{}", clinic);
  expect(answer.status).toBe(415);
  expect(await answer.json()).toMatchObject({
    message: expect.stringMatching(
      /application\/connect\+json.*envelope.*or call wellapi\.records\.v1\.RecordsService\/QuerySeries with/,
    ),
  });
});

test("gRPC-Web and a caller who is permitted pass, and leave one line each", async () => {
  const { url, lines } = await open(echo);
  const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" });
  const request = { ...observation, purpose: Purpose.TREATMENT };
  const records = createClient(RecordsService, transport);
  expect((await records.getObservation(request, { headers: clinic })).access).toBe("pat_1");
  const failed = records.getObservation({ patient: "pat_1" }, { headers: clinic });
  await expect(failed).rejects.toMatchObject({ code: Code.InvalidArgument });
  const ingestion = createClient(IngestionService, transport);
  await expect(ingestion.createSeries({})).rejects.toMatchObject({ code: Code.Unauthenticated });
  expect(lines.map(({ code }) => code)).toEqual(["OK", "INVALID_ARGUMENT", "UNAUTHENTICATED"]);
});
