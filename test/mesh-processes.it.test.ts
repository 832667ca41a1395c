import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { contribute } from "@wellapi/demo/contribution";
import { FhirRefusal, keyOf } from "@wellapi/demo/fhir-reader";
import { createNarrator } from "@wellapi/demo/narrator";
import { companyAt, enrolCompany } from "@wellapi/demo/people";
import { type Server, temporaryFolder } from "@wellapi/demo/server";
import { tellStory } from "@wellapi/demo/story";
import { openWatch } from "@wellapi/demo/watch";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { TokenExchangeService } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { KeyService } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createMeshAuthority, type Mesh, openMesh, parseMeshConfig } from "@wellapi/host/mesh-launcher";
import {
  asService,
  createOnwardTokens,
  forwardedCertificateHeader,
  openPeerTransport,
  openWorkloadCertificates,
  problemOf,
  spiffeIdOf,
} from "@wellapi/rpc";
import { createLogger, silentLogger, systemClock } from "@wellapi/runtime";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openTools, ToolsError } from "../scripts/tools.ts";
import { badInputSettings, describeBadInputs } from "./bad-inputs.ts";
import { callWithBatches, enrolScene, lost, streamBatches, untilAcked } from "./drain-load.ts";
import { describeMovedClock } from "./moved-clock.ts";
import { describeReadsInFlight } from "./reads-in-flight.ts";
import { describeStalledReaders } from "./stalled/cases.ts";
import { describeSurfaces, surfaceSettings } from "./surface/cases.ts";
// The launcher, which is this process, gives ports to services with surfaces.
import "./surface/preload.ts";

const code = "8867-4";
/** So short that every test runs through several renewals. */
const certificateMs = 12_000;
const drainMs = 1_000;
const names = { trustDomain: "wellapi.local" };

/** Whether MongoDB and NATS can be had. A laptop skips, and says so; CI fails. */
async function serversCanBeHad(): Promise<boolean> {
  try {
    await openTools(["mongo", "nats"]);
    return true;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: a mesh of processes was not tested: ${error.message}\n\n`);
    return false;
  }
}
const able = await serversCanBeHad();

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return problemOf(ConnectError.from(error)).reason;
  }
  throw new Error("it was not refused");
}

const question = {
  partition: "local/pat_nobody",
  organization: "org_nobody",
  direction: Direction.READ,
  code,
  purpose: Purpose.TREATMENT,
  region: "local",
};

describe.skipIf(!able)("each service as a process of its own", () => {
  const folder = temporaryFolder();
  const closing: (() => void)[] = [];
  let mesh: Mesh;
  let server: Server;

  beforeAll(async () => {
    const env = {
      ...process.env,
      ...badInputSettings,
      ...surfaceSettings,
      WELLAPI_DATA_DIR: folder.path,
      WELLAPI_MASTER_KEY_FILE: join(folder.path, "keys", "master.key"),
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_PROFILE: "sandbox",
      WELLAPI_LOG_LEVEL: "error",
      WELLAPI_WORKLOAD_CERT_MS: String(certificateMs),
      WELLAPI_DRAIN_MS: String(drainMs),
      // Connections end all the time, under everything that is tested here.
      WELLAPI_CONNECTION_AGE_MS: "1500",
    };
    mesh = await openMesh(parseMeshConfig(env), env, createLogger({ name: "mesh", env }));
    const { grpcUrl: grpc, httpUrl: http, dataDir, authority } = mesh;
    server = { grpc, http, dataDir, authority, operatorKey: mesh.operatorKey! } as Server;
  });

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  afterAll(async () => {
    await mesh?.close();
    folder.remove();
  });

  /** Calls a service's own port as another service would. */
  async function asWorkload(
    workload: "records" | "ingestion" | "audit" | "identity",
    service: "consent" | "identity" | "keys",
  ) {
    const certificates = await openWorkloadCertificates({
      files: mesh.files(workload),
      everyMs: 100,
      log: silentLogger,
    });
    const peer = openPeerTransport({
      addresses: [`127.0.0.1:${mesh.port(service)}`],
      tls: { certificates, names, workload: service },
    });
    closing.push(certificates.close, peer.close);
    return peer.transport;
  }

  /** With the workload's own internal token. */
  async function onOwn(workload: "records" | "ingestion", service: "consent"): Promise<Transport> {
    const exchange = createClient(TokenExchangeService, await asWorkload(workload, "identity"));
    return asService(
      await asWorkload(workload, service),
      createOnwardTokens({ exchange, clock: systemClock }),
    );
  }

  test("tells the whole story, as one process does", async () => {
    const narrator = createNarrator((error) =>
      error instanceof FhirRefusal ? error.reason : problemOf(ConnectError.from(error)).reason,
    );
    await tellStory(server, narrator);
    expect(narrator.failures).toEqual([]);
  }, 150_000);

  test("the gateway serves the log's files, which audit has, and is ready", async () => {
    expect((await fetch(`${server.http}/readyz`)).status).toBe(200);
    const checkpoint = await fetch(`${server.http}/log/checkpoint`);
    const size = Number((await checkpoint.text()).split("\n")[1]);
    expect(size).toBeGreaterThan(0);
    const tile = await fetch(`${server.http}/log/tile/0/000${size < 256 ? `.p/${size}` : ""}`);
    expect((await tile.arrayBuffer()).byteLength).toBe(Math.min(size, 256) * 32);
    expect((await fetch(`${server.http}/log/tile/3/000`)).status).toBe(404);
  });

  test("what ends at the gateway's doors and at a service's surface comes to one list of requests", async () => {
    const clinic = await enrolCompany(server, "Requests");
    const apiKey = await keyOf(server, clinic);
    await createClient(ConsentService, clinic.transport).listConsents({});
    await fetch(`${server.http}/fhir/R4/Consent`, { headers: { authorization: `Bearer ${apiKey}` } });
    const own = createClient(RequestLogService, clinic.transport);
    const protocols = async () => (await own.listRequests({})).requests.map(({ protocol }) => protocol);
    await expect.poll(protocols).toEqual(expect.arrayContaining(["grpc", "http"]));
  });

  test("a service takes calls of those whom its contract names, and of no other", async () => {
    const asRecords = createClient(ConsentDecisionService, await onOwn("records", "consent"));
    expect((await asRecords.decide({ question })).decision).toBeDefined();
    const asIngestion = createClient(ConsentDecisionService, await onOwn("ingestion", "consent"));
    expect(await refusal(asIngestion.decide({ question }))).toBe("CALLER_NOT_PERMITTED");
    // Without a token a service is known by its certificate alone; keys and tokens are given on that.
    const keys = createClient(KeyService, await asWorkload("ingestion", "keys"));
    const name = { partition: "local/pat_nobody", use: "data" };
    expect(await refusal(keys.findKey({ name }))).toBe("CALLER_NOT_PERMITTED");
    // Audit and identity ask for keys; only records destroys one.
    for (const workload of ["audit", "identity"] as const) {
      const sealing = createClient(KeyService, await asWorkload(workload, "keys"));
      await sealing.findKey({ name });
      expect(await refusal(sealing.destroyKey({ name }))).toBe("CALLER_NOT_PERMITTED");
    }
  });

  test("a forged x-forwarded-client-cert changes nothing", async () => {
    const forged = { [forwardedCertificateHeader]: `URI=${spiffeIdOf("records", names)}` };
    const client = createClient(ConsentDecisionService, await onOwn("ingestion", "consent"));
    expect(await refusal(client.decide({ question }, { headers: forged }))).toBe("CALLER_NOT_PERMITTED");
    const keys = createClient(KeyService, await asWorkload("ingestion", "keys"));
    const name = { partition: "local/pat_nobody", use: "data" };
    expect(await refusal(keys.findKey({ name }, { headers: forged }))).toBe("CALLER_NOT_PERMITTED");
  });

  test("a service's port takes no connection without a certificate of this mesh, and no TLS 1.2", async () => {
    const own = await openWorkloadCertificates({
      files: mesh.files("records"),
      everyMs: 60_000,
      log: silentLogger,
    });
    closing.push(own.close);
    const { certificate: cert, privateKey: key, authority: ca } = own.current();
    const stranger = await createMeshAuthority({ ...names, lifetimeMs: 60_000 });
    const foreign = await stranger.issue("records");
    /** What the server does with the connection once something is sent on it. */
    const outcome = (tls: object) =>
      new Promise<string>((resolve) => {
        const options = { host: "127.0.0.1", port: mesh.port("consent"), ca, ALPNProtocols: ["h2"], ...tls };
        const socket = tlsConnect({ ...options, checkServerIdentity: () => undefined });
        socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
        socket.once("data", () => resolve("talks"));
        socket.once("close", () => resolve("closed"));
        socket.once("secureConnect", () => socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        closing.push(() => socket.destroy());
      });
    expect(await outcome({ cert, key })).toBe("talks");
    expect(await outcome({})).not.toBe("talks");
    expect(await outcome({ cert: foreign.certificate, key: foreign.privateKey })).not.toBe("talks");
    expect(await outcome({ cert, key, maxVersion: "TLSv1.2" })).toMatch(/PROTOCOL_VERSION/);
  });

  describe("a patient, a maker and a clinic that watches", () => {
    const minutes = (patient: string, from: string, count: number) => ({
      patient,
      code,
      unit: "/min",
      durationMs: 0,
      minutes: count,
      from,
    });

    /** The serial number of the certificate that the service shows. */
    function serial(service: "records" | "consent"): Promise<string> {
      return new Promise((resolve, reject) => {
        const socket = tlsConnect({
          host: "127.0.0.1",
          port: mesh.port(service),
          ALPNProtocols: ["h2"],
          rejectUnauthorized: false,
        });
        socket.once("secureConnect", () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.once("error", reject);
      });
    }

    test("certificates are renewed twice under an open watch, which goes on", async () => {
      const { maker, clinic, atMaker, atClinic } = await enrolScene(server, "Renewal");
      const watch = await openWatch(clinic, atClinic, code);
      const seen = new Set([await serial("records")]);
      await expect
        .poll(async () => seen.add(await serial("records")).size, {
          timeout: 60_000,
          interval: 250,
        })
        .toBe(3);
      // The first of them has ended by now, or will before the next lines are through.
      await contribute(maker, undefined, [minutes(atMaker, "2026-05-01T08:00:00Z", 5)]);
      expect(await watch.delivered(5, 15_000)).toBe(true);
      expect(await watch.ended(certificateMs)).toBe("still open");
    }, 120_000);

    test("ingestion that is killed is unavailable, and all is well once it is started again", async () => {
      const { maker, clinic, atMaker, atClinic } = await enrolScene(server, "Kill");
      const watch = await openWatch(clinic, atClinic, code);
      await mesh.kill("ingestion");
      const ingestion = createClient(IngestionService, maker.transport);
      const batch = create(SeriesBatchSchema, {
        requestId: randomUUID(),
        patient: atMaker,
        series: [
          {
            code: { code },
            unit: "/min",
            times: {
              start: { case: "startTime", value: timestampFromDate(new Date("2026-05-02T00:00:00Z")) },
              utcOffsetMinutes: 0,
              spacing: { case: "periodMs", value: 60_000 },
            },
            values: { case: "decimals", value: { mantissas: [70, 71, 72] } },
          },
        ],
      });
      await expect(ingestion.createSeries({ batch })).rejects.toMatchObject({ code: Code.Unavailable });
      await mesh.start("ingestion");
      // What failed is sent again, as it was.
      await ingestion.createSeries({ batch });
      expect(await watch.delivered(3, 15_000)).toBe(true);
    }, 120_000);
  });

  test.each(["ingestion", "records"] as const)(
    "%s, told to stop under load, ends by itself, and nothing that was answered is lost",
    async (service) => {
      const { maker, clinic, atMaker, atClinic } = await enrolScene(server, `Stop of ${service}`);
      const streams = [1, 2].map(() => streamBatches(companyAt(server, maker), atMaker));
      const calls = [callWithBatches(companyAt(server, maker), atMaker)];
      const watch = await openWatch(clinic, atClinic, code);
      for (const ingest of [...streams, ...calls]) await untilAcked(ingest, 3, 60_000);
      expect(await mesh.stop(service)).toBe(0);
      expect((await calls[0]!.ended).code).toBe(Code.Unavailable);
      // A stream ends with the service that it is open at; one that only needs it is told so batch by batch.
      if (service === "records") expect(await watch.ended(15_000)).toBe("SERVER_STOPPING");
      else {
        for (const { ended } of streams) {
          expect(await ended).toMatchObject({ code: Code.Unavailable, reason: "SERVER_STOPPING" });
        }
        expect(await watch.ended(100)).toBe("still open");
      }
      await mesh.start(service);
      const acked = [...streams, ...calls].flatMap((ingest) => ingest.acked);
      expect(await lost(maker, acked)).toBe(0);
      for (const { stop } of streams) stop();
    },
    150_000,
  );

  describeBadInputs(() => server);

  describeReadsInFlight(() => server, { connectionsAge: true });
  describeStalledReaders(() => server, { connectionsAge: true });

  describeSurfaces(() => server);

  describeMovedClock(() => server);

  // Last: it is the end of the mesh.
  test("a process that dies by itself is told of, and is not started again", async () => {
    process.kill(mesh.pid("consent"), "SIGKILL");
    expect(await mesh.broken).toMatch(/consent ended \(SIGKILL\)/);
  });
});
