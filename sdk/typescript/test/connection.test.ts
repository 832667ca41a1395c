import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError } from "@wellapi/grpc-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect, WellApiError } from "../src/index.ts";

const revoked = () => {
  const error = problemError({ code: Code.PermissionDenied, reason: "CONSENT_REVOKED", message: "revoked" });
  error.metadata.set("x-request-id", "req-of-the-call");
  return error;
};

/** A gateway over HTTP that notes which credential came with each call. */
let server: Server;
let url: string;
const credentials: Array<string | null> = [];

beforeEach(async () => {
  credentials.length = 0;
  const routes = connectNodeAdapter({
    routes(router) {
      router.service(ConsentService, {
        listConsents(_request: unknown, context: HandlerContext) {
          credentials.push(context.requestHeader.get("authorization"));
          return {};
        },
        getConsent() {
          throw revoked();
        },
      });
      router.service(RecordsService, {
        async *readSeries() {
          yield { payload: { case: "start" as const, value: { access: "acc_1" } } };
          throw revoked();
        },
      });
    },
  });
  server = createServer(routes).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test.each([
  ["an API key", { apiKey: "wak_secret" }, "Bearer wak_secret"],
  ["a patient's token", { token: "ey.token" }, "Bearer ey.token"],
  ["a patient's token beside an API key", { apiKey: "wak_secret", token: "ey.token" }, "Bearer ey.token"],
  ["nothing", {}, null],
])("calls the gateway by %s", async (_name, credential, header) => {
  await createClient(ConsentService, connect({ url, ...credential })).listConsents({});
  expect(credentials).toEqual([header]);
});

test.each(["", "two words", "-----BEGIN PRIVATE KEY-----\nMIG2\n-----END PRIVATE KEY-----"])(
  "what cannot be a key or a token (%j) is refused, and not shown",
  (secret) => {
    for (const credential of [{ apiKey: secret }, { token: secret }]) {
      const refused = expect(() => connect({ url, ...credential }));
      refused.toThrow(expect.objectContaining({ name: "ClientError", code: "input" }));
      refused.toThrow(/^the API key or token is not one: it is empty, or has spaces or lines$/);
    }
  },
);

test("a call that is refused throws the typed error", async () => {
  const consents = createClient(ConsentService, connect({ url }));
  const error: unknown = await consents.getConsent({ consent: "con_1" }).catch((thrown: unknown) => thrown);
  expect(error instanceof WellApiError).toBe(true);
  expect(error).toMatchObject({ reason: "CONSENT_REVOKED", requestId: "req-of-the-call" });
});

test("a stream that ends with a refusal throws the typed error after its messages", async () => {
  const records = createClient(RecordsService, connect({ url }));
  const came: unknown[] = [];
  const error: unknown = await (async () => {
    const request = { patient: "pat_1", code: { code: "8867-4" }, purpose: Purpose.TREATMENT };
    for await (const { payload } of records.readSeries(request)) came.push(payload.case);
    return undefined;
  })().catch((thrown: unknown) => thrown);
  expect(came).toEqual(["start"]);
  expect(error instanceof WellApiError).toBe(true);
  expect(error).toMatchObject({ reason: "CONSENT_REVOKED" });
});

test("a server that is not there is UNAVAILABLE, over HTTP and over gRPC", async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
  const certificate = { cert: "", key: "", ca: "" };
  for (const connection of [
    connect({ url }),
    connect({ url: url.replace("http", "https"), certificate: { ...certificate } }),
  ]) {
    const error: unknown = await createClient(ConsentService, connection)
      .listConsents({})
      .catch((thrown: unknown) => thrown);
    expect(error instanceof WellApiError).toBe(true);
    expect(error).toMatchObject({ code: Code.Unavailable, transient: true, requestId: undefined });
    connection.close();
  }
});

test("the caller's interceptors run around each call, outside the credential", async () => {
  const seen: Array<string | null> = [];
  const consents = createClient(
    ConsentService,
    connect({
      url,
      apiKey: "wak_secret",
      interceptors: [
        (next) => async (request) => {
          seen.push(request.header.get("authorization"));
          request.header.set("x-request-id", "mine-12345");
          return next(request);
        },
      ],
    }),
  );
  await consents.listConsents({});
  expect(seen).toEqual([null]);
  expect(credentials).toEqual(["Bearer wak_secret"]);
});
