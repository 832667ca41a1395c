/** Access tokens of OAuth clients at both doors: bound to keys and certificates, within their scopes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { connect } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Granularity, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Exchange, openExchange, parseExchangeConfig, services } from "@wellapi/host";
import { problemOf } from "@wellapi/rpc";
import { silentLogger, systemClock } from "@wellapi/runtime";
import { createRegistry } from "@wellapi/service";
import type { Store } from "@wellapi/store";
import type { Kms } from "@wellapi/vault";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createHolder, signerOf, thumbprintOf } from "../services/identity/test/access-tokens.ts";
import { derOf } from "../services/identity/test/certificates.ts";
import { decided } from "./decided.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-access-tokens-"));
const heartRate = { system: "http://loinc.org", code: "8867-4" };
const steps = { system: "http://loinc.org", code: "55423-8" };
const own: { store?: Store; kms?: Kms } = {};
/** Lets the test sign as the OAuth server does. */
const registry = createRegistry(
  services.services.map((one) =>
    one.name === "identity"
      ? {
          ...one,
          compose(platform, settings) {
            const openStore = async () => (own.store = await platform.openStore());
            const keys = async () => {
              const found = await platform.keys();
              own.kms = found.kms;
              return found;
            };
            const watched = Object.create(platform, {
              openStore: { value: openStore },
              keys: { value: keys },
            });
            return one.compose!(watched, settings);
          },
        }
      : one,
  ),
);

let exchange: Exchange;
let server: Server;
let maker: Company;
let ada: Person;
let application: string;
let patient: string;
let signer: Awaited<ReturnType<typeof signerOf>>;

const tokenOf = (scope: string, claims: object = {}) =>
  signer.sign({ client_id: application, sub: application, scope, ...claims });

type Call = Parameters<Parameters<Interceptor>[0]>[0];
type Headers = (call: Call, url: string) => Promise<Readonly<Record<string, string>>>;

/** The two doors, in the protocols that each speaks. */
const wires: Record<string, (headers: Headers) => Transport> = {
  "gRPC door": (headers) =>
    connect({
      url: exchange.grpcUrl,
      certificate: maker.certificate,
      interceptors: [sending(exchange.grpcUrl, headers)],
    }),
  "gateway, Connect JSON": (headers) =>
    createConnectTransport({
      baseUrl: exchange.httpUrl,
      httpVersion: "1.1",
      interceptors: [sending(exchange.httpUrl, headers)],
    }),
  "gateway, gRPC-Web": (headers) =>
    createGrpcWebTransport({
      baseUrl: exchange.httpUrl,
      httpVersion: "1.1",
      interceptors: [sending(exchange.httpUrl, headers)],
    }),
};

function sending(base: string, headers: Headers): Interceptor {
  return (next) => async (call) => {
    const url = `${base}/${call.service.typeName}/${call.method.name}`;
    for (const [name, value] of Object.entries(await headers(call, url))) call.header.set(name, value);
    return next(call);
  };
}

const bearing =
  (token: string): Headers =>
  async () => ({ authorization: `Bearer ${token}` });

const ask = (transport: Transport) =>
  createClient(OrganizationService, transport).getOrganization({ organization: maker.organization });

/** The reason of a refusal, or that there was none. */
const reasonOf = (answer: Promise<unknown>) =>
  answer.then(
    () => "answered",
    (error: unknown) => problemOf(ConnectError.from(error)).reason,
  );

beforeAll(async () => {
  const env = {
    WELLAPI_DATA_DIR: join(folder, "data"),
    WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
    WELLAPI_GRPC_PORT: "0",
    WELLAPI_HTTP_PORT: "0",
    WELLAPI_ORIGIN: "https://wellapi.local",
  };
  exchange = await openExchange(parseExchangeConfig(env, registry), silentLogger, registry);
  const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = exchange;
  server = { grpc, http, dataDir, authority, operatorKey: operatorKey! } as Server;
  maker = await enrolCompany(server, "Maker");
  ada = await enrolPerson(server, "Ada");
  const categories = ["heart", "activity"];
  await grant(ada, maker, Direction.CONTRIBUTE, categories);
  await grant(ada, maker, Direction.READ, categories);
  const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
  patient = consents[0]!.patient;
  const parcel = { patient, durationMs: 0, minutes: 3, from: "2026-03-01T00:00:00Z" };
  await contribute(maker, undefined, [
    { ...parcel, code: heartRate.code, unit: "/min" },
    { ...parcel, code: steps.code, unit: "{steps}", durationMs: 60_000, granularity: Granularity.MINUTE },
  ]);
  const { applications } = await createClient(OrganizationService, operatorAt(server)).listApplications({
    organization: maker.organization,
  });
  application = applications[0]!.id;
  signer = await signerOf({ store: own.store!, kms: own.kms!, clock: systemClock } as never);
});

afterAll(async () => {
  await exchange?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(Object.keys(wires))("at the %s", (name) => {
  const wire = (headers: Headers) => wires[name]!(headers);

  test("a token calls what its scopes name, and nothing else", async () => {
    const transport = wire(bearing(await tokenOf("system/Organization.r")));
    expect((await ask(transport)).organization?.id).toBe(maker.organization);
    const records = createClient(RecordsService, transport).listSeries({
      patient,
      purpose: Purpose.TREATMENT,
    });
    const refused = await records.then(
      () => expect.unreachable("without the scope"),
      (error: unknown) => problemOf(ConnectError.from(error)),
    );
    expect(refused).toMatchObject({ reason: "SCOPE_REQUIRED", metadata: { scopes: "Observation.s" } });
    const renewal = createClient(OrganizationService, transport).createOrganization({
      requestId: "12345678",
      organization: { displayName: "Mine" },
    });
    expect(await reasonOf(renewal)).toBe("CALLER_NOT_PERMITTED");
  }, 60_000);

  test("a token for another audience, an ID token and an expired one are refused", async () => {
    const scope = "system/Organization.r";
    const past = { iat: Math.floor(Date.now() / 1_000) - 500, exp: Math.floor(Date.now() / 1_000) - 200 };
    for (const token of [
      await tokenOf(scope, { aud: "https://wellapi.local/other" }),
      await signer.sign({ client_id: application, sub: "pat_x", scope, aud: application }, { typ: "JWT" }),
      await tokenOf(scope, past),
    ]) {
      expect(await reasonOf(ask(wire(bearing(token))))).toBe("CREDENTIAL_INVALID");
    }
    expect(await reasonOf(ask(wire(bearing(await tokenOf(scope)))))).toBe("answered");
  }, 60_000);

  test("a token that is bound to a key is good with a new proof for each call, and never without", async () => {
    const holder = await createHolder();
    const token = await tokenOf("system/Organization.r", { cnf: { jkt: holder.jkt } });
    const proving =
      (claims: object): Headers =>
      async (_call, url) => ({
        authorization: `DPoP ${token}`,
        dpop: await holder.prove(token, { htu: url, ...claims }),
      });
    const challenged = await ask(wire(proving({}))).then(
      () => expect.unreachable("there was no nonce"),
      (error: unknown) => ConnectError.from(error),
    );
    expect(problemOf(challenged).reason).toBe("DPOP_NONCE_REQUIRED");
    expect(challenged.metadata.get("www-authenticate")).toContain("use_dpop_nonce");
    const nonce = challenged.metadata.get("dpop-nonce")!;

    expect(await reasonOf(ask(wire(proving({ nonce }))))).toBe("answered");
    expect(await reasonOf(ask(wire(proving({ nonce }))))).toBe("answered");
    const sameId = { nonce, jti: `one ${name}` };
    expect(await reasonOf(ask(wire(proving(sameId))))).toBe("answered");
    expect(await reasonOf(ask(wire(proving(sameId))))).toBe("PROOF_INVALID");
    // What a proof has opened stays closed to whoever has the token alone.
    expect(await reasonOf(ask(wire(bearing(token))))).toBe("PROOF_INVALID");
    const elsewhere = { nonce, htu: `${exchange.httpUrl}/wellapi.records.v1.RecordsService/QuerySeries` };
    expect(await reasonOf(ask(wire(proving(elsewhere))))).toBe("PROOF_INVALID");
    expect(await reasonOf(ask(wire(proving({ nonce, htm: "GET" }))))).toBe("PROOF_INVALID");
    const stolen = await createHolder();
    const byOther: Headers = async (_call, url) => ({
      authorization: `DPoP ${token}`,
      dpop: await stolen.prove(token, { htu: url, nonce }),
    });
    expect(await reasonOf(ask(wire(byOther)))).toBe("PROOF_INVALID");
    const half: Headers = async () => ({ authorization: `DPoP ${token}` });
    expect(await reasonOf(ask(wire(half)))).toBe("CREDENTIAL_INVALID");
  }, 60_000);

  test("a token that is bound to a certificate is good with it alone", async () => {
    const scope = "system/Organization.r";
    const digest = thumbprintOf(derOf(maker.certificate.cert));
    const bound = await tokenOf(scope, { cnf: { "x5t#S256": digest } });
    const atGrpc = name === "gRPC door";
    expect(await reasonOf(ask(wire(bearing(bound))))).toBe(atGrpc ? "answered" : "PROOF_INVALID");
    const other = await tokenOf(scope, { cnf: { "x5t#S256": thumbprintOf(new Uint8Array(8)) } });
    expect(await reasonOf(ask(wire(bearing(other))))).toBe("PROOF_INVALID");
  }, 60_000);

  test("scopes narrow what the consent permits to their categories", async () => {
    const read = (scope: string) =>
      tokenOf(scope).then((token) => createClient(RecordsService, wire(bearing(token))));
    const all = await read("system/Observation.rs");
    const vital = await read("system/Observation.rs?category=vital-signs");
    const asked = { patient, purpose: Purpose.TREATMENT };
    const codesOf = async (records: typeof all) =>
      (await records.listSeries(asked)).series.map((one) => one.code?.code).sort();
    expect(await codesOf(all)).toEqual([steps.code, heartRate.code].sort());
    expect(await codesOf(vital)).toEqual([heartRate.code]);
    expect(await decided(() => reasonOf(vital.querySeries({ ...asked, code: heartRate })))).toBe("answered");
    expect(await decided(() => reasonOf(vital.querySeries({ ...asked, code: steps })))).toBe(
      "SCOPE_REQUIRED",
    );
    const none = await read("system/Observation.rs?category=no-such-category");
    expect(await decided(() => reasonOf(none.listSeries(asked)))).toBe("SCOPE_REQUIRED");
    // The consent decides as it does without scopes.
    const sleep = { system: "http://loinc.org", code: "93832-4" };
    const maker2 = createClient(RecordsService, maker.transport);
    const consented = await decided(() => reasonOf(maker2.querySeries({ ...asked, code: sleep })));
    expect(await decided(() => reasonOf(all.querySeries({ ...asked, code: sleep })))).toBe(consented);
  }, 60_000);
});

test("calls beyond the scopes leave entries that say so", async () => {
  const beyond = async () => {
    const { accesses } = await createClient(AuditService, maker.transport).listAccesses({});
    return accesses
      .flatMap(({ access }) => access ?? [])
      .filter(({ method, patient: of }) => method.endsWith("/ListSeries") && of === "")
      .map(({ workload, reason }) => `${workload} ${reason}`);
  };
  const entries = ["door SCOPE_REQUIRED", "gateway SCOPE_REQUIRED"];
  await expect.poll(beyond, { timeout: 20_000 }).toEqual(expect.arrayContaining(entries));
}, 30_000);

describe("a proof", () => {
  test("opens a stream, which goes on without another one and ends with its client; its id counts at both doors", async () => {
    const holder = await createHolder();
    const token = await tokenOf("system/Observation.s", { cnf: { jkt: holder.jkt } });
    const watch = (headers: Headers) =>
      createClient(RecordsService, wires["gRPC door"]!(headers)).watchSeries({
        patient,
        purpose: Purpose.TREATMENT,
        codes: [heartRate],
      });
    const first = (headers: Headers) => watch(headers)[Symbol.asyncIterator]().next();
    let nonce = "";
    const proving: Headers = async (_call, url) => ({
      authorization: `DPoP ${token}`,
      dpop: await holder.prove(token, { htu: url, ...(nonce !== "" && { nonce }) }),
    });
    const challenged = await first(proving).then(
      () => expect.unreachable(),
      (error: unknown) => ConnectError.from(error),
    );
    nonce = challenged.metadata.get("dpop-nonce")!;
    const sameId: Headers = async (_call, url) => ({
      authorization: `DPoP ${token}`,
      dpop: await holder.prove(token, { htu: url, nonce, jti: "at both" }),
    });
    const atGrpc = createClient(RecordsService, wires["gRPC door"]!(sameId));
    const atGateway = createClient(RecordsService, wires["gateway, Connect JSON"]!(sameId));
    const asked = { patient, purpose: Purpose.TREATMENT };
    expect(await reasonOf(atGrpc.listSeries(asked))).toBe("answered");
    expect(await reasonOf(atGateway.listSeries(asked))).toBe("PROOF_INVALID");
    let ended: string | undefined;
    const reading = (async () => {
      for await (const _ of watch(proving)) void _;
    })();
    reading.catch((error: unknown) => {
      ended = problemOf(ConnectError.from(error)).reason;
    });
    // Several looks at the credential later the stream is still open: its proof is not asked for again.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(ended).toBeUndefined();
    const organizations = createClient(OrganizationService, operatorAt(server));
    await organizations.disableApplication({ application });
    try {
      await vi.waitFor(() => expect(ended).toBe("CREDENTIAL_INVALID"), { timeout: 15_000, interval: 100 });
    } finally {
      await organizations.enableApplication({ application });
    }
  }, 60_000);
});
