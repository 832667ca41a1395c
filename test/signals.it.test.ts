/**
 * What an operator is told, by a real collector's protocol: a mesh of real processes exports its metrics here, and
 * each changes when the thing that it measures happens.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { contribute } from "@wellapi/demo/contribution";
import { type Company, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { type Server, temporaryFolder } from "@wellapi/demo/server";
import { openJetStreamEvents } from "@wellapi/events/jetstream";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { NoticesService } from "@wellapi/gen/wellapi/notices/v1/notices_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { serviceNames } from "@wellapi/host";
import { type Mesh, openMesh, parseMeshConfig } from "@wellapi/host/mesh-launcher";
import { createLogger, instruments } from "@wellapi/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findNatsServer, type NatsServers, openNatsServers } from "../packages/events/test/nats-server.ts";
import { type OtlpSink, openOtlpSink, type Point, type Span } from "../packages/runtime/test/otlp-sink.ts";
import { openTools, type Tool, ToolsError } from "../scripts/tools.ts";
import { openPushService, type PushService } from "../services/notices/test/push-service.ts";
import { freshBatch } from "./drain-load.ts";

const code = "8867-4";
const certificateMs = 60_000;

async function serversCanBeHad(): Promise<Tool | undefined> {
  try {
    await openTools(["mongo"]);
    return await findNatsServer();
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: what a mesh exports was not tested: ${error.message}\n\n`);
    return undefined;
  }
}
const natsServer = await serversCanBeHad();

describe.skipIf(!natsServer)("a mesh tells its operator", () => {
  const folder = temporaryFolder();
  let sink: OtlpSink;
  let nats: NatsServers;
  let push: PushService;
  let mesh: Mesh;
  let server: Server;
  let maker: Company;
  let clinic: Company;
  let atMaker: string;
  let atClinic: string;

  beforeAll(async () => {
    sink = await openOtlpSink();
    nats = await openNatsServers(natsServer!, 1);
    push = await openPushService();
    const authorities = join(folder.path, "push.pem");
    writeFileSync(authorities, push.authority);
    const env = {
      ...process.env,
      ...sink.env,
      WELLAPI_DATA_DIR: folder.path,
      WELLAPI_MASTER_KEY_FILE: join(folder.path, "keys", "master.key"),
      WELLAPI_HOST: "127.0.0.1",
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
      WELLAPI_PROFILE: "sandbox",
      WELLAPI_LOG_LEVEL: "fatal",
      WELLAPI_WORKLOAD_CERT_MS: String(certificateMs),
      WELLAPI_DRAIN_MS: "1000",
      WELLAPI_NATS_URL: nats.urls[0],
      WELLAPI_COMPACT_AFTER_MS: "100",
      WELLAPI_PUSH_HOSTS: push.host,
      WELLAPI_WEBHOOKS_TO_LOOPBACK: "true",
      NODE_EXTRA_CA_CERTS: authorities,
    };
    mesh = await openMesh(parseMeshConfig(env), env, createLogger({ name: "mesh", env }));
    const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = mesh;
    server = { grpc, http, dataDir, authority, operatorKey } as Server;
    maker = await enrolCompany(server, "Signals maker");
    clinic = await enrolCompany(server, "Signals clinic");
    const person = await enrolPerson(server, "Signals person");
    await createClient(NoticesService, person.transport).createPushSubscription(push.subscribe());
    // The push service knows no such path.
    const webhookEndpoint = { url: `https://${push.host}/webhooks` };
    const webhooks = createClient(WebhookService, clinic.transport);
    await webhooks.createWebhookEndpoint({ webhookEndpoint, requestId: "one" });
    const consents = createClient(ConsentService, person.transport);
    const give = (grantee: string, direction: Direction, purposes: Purpose[]) =>
      consents.createConsent({
        requestId: randomUUID(),
        consent: {
          grantee,
          provisions: [
            {
              effect: Provision_Effect.PERMIT,
              directions: [direction],
              categories: [{ name: "heart" }],
              purposes,
              resolution: Resolution.RAW,
            },
          ],
        },
      });
    await give(maker.organization, Direction.CONTRIBUTE, []);
    await give(clinic.organization, Direction.READ, [Purpose.TREATMENT]);
    const idAt = async ({ transport }: Company) =>
      (await createClient(ConsentService, transport).listConsents({})).consents[0]!.patient;
    atMaker = await idAt(maker);
    atClinic = await idAt(clinic);
  });

  afterAll(async () => {
    await mesh?.close();
    await nats?.close();
    await push?.close();
    sink?.close();
    folder.remove();
  });

  const send = (from: string) =>
    contribute(maker, undefined, [{ patient: atMaker, code, unit: "/min", durationMs: 0, minutes: 3, from }]);

  /** Resolves with the point once there is one that fits. */
  function exported(
    service: string,
    name: string,
    attributes: Readonly<Record<string, string>>,
    fits: (point: Point) => boolean,
    withinMs?: number,
  ): Promise<Point> {
    return sink.until(
      () =>
        sink
          .all()
          .find(
            (point) =>
              point.service === `wellapi-${service}` &&
              point.name === name &&
              Object.entries(attributes).every(([key, value]) => point.attributes[key] === value) &&
              fits(point),
          ),
      withinMs,
    );
  }
  const is = (value: number) => (point: Point) => point.value === value;

  test("how many streams are open, at the door and behind it", async () => {
    const method = { "rpc.method": "wellapi.records.v1.RecordsService/WatchSeries" };
    const open = async () => {
      const leaving = new AbortController();
      const request = { patient: atClinic, codes: [{ code }], purpose: Purpose.TREATMENT };
      const stream = createClient(RecordsService, clinic.transport).watchSeries(request, {
        signal: leaving.signal,
      });
      await stream[Symbol.asyncIterator]().next();
      return leaving;
    };
    const [first, second] = [await open(), await open()];
    for (const service of ["gateway", "records"]) {
      await exported(service, "wellapi.rpc.server.active_streams", method, is(2));
    }
    first.abort();
    await exported("records", "wellapi.rpc.server.active_streams", method, is(1));
    second.abort();
    for (const service of ["gateway", "records"]) {
      await exported(service, "wellapi.rpc.server.active_streams", method, is(0));
    }
  });

  test("which way a call took: one trace over every process", async () => {
    await send("2026-05-30T08:00:00Z");
    const rpc = {
      gateway: "wellapi.ingestion.v1.IngestionService/StreamSeries",
      ingestion: "wellapi.ingestion.v1.IngestionService/StreamSeries",
      records: "wellapi.internal.records.v1.RecordsWriteService/AppendSeries",
    };
    const [server, client] = [2, 3]; // kinds of OTLP
    const spanOf = (service: keyof typeof rpc, parent?: string) =>
      sink
        .spans()
        .find(
          (span) =>
            span.service === `wellapi-${service}` &&
            span.name === rpc[service] &&
            span.kind === server &&
            (parent === undefined || span.parent === parent),
        );
    /** The span of the service that the call reached: a child of the caller's own span for that call. */
    const behindOf = (service: keyof typeof rpc, caller: Span) => {
      const calls = sink.spans().filter(({ kind, parent }) => kind === client && parent === caller.id);
      return calls.map(({ id }) => spanOf(service, id)).find((span) => span !== undefined);
    };
    // A span is exported within five seconds of its end.
    const [door, behind, last] = await sink.until(() => {
      const door = spanOf("gateway");
      const behind = door && behindOf("ingestion", door);
      const last = behind && behindOf("records", behind);
      return last && [door, behind, last];
    }, 20_000);
    expect(door!.parent).toBe("");
    expect(new Set([door!.trace, behind!.trace, last!.trace])).toEqual(new Set([door!.trace]));
  });

  test("that a deadline and a cancel at the door end the work behind it", async () => {
    const ingestion = createClient(IngestionService, maker.transport);
    // Which of the two reaches ingestion first, the deadline or the gateway that gave up, is nobody's business.
    const ended = (count: number) =>
      sink.until(() => {
        const calls = sink
          .points("rpc.server.call.duration")
          .filter(
            ({ service, attributes }) =>
              service === "wellapi-ingestion" &&
              attributes["rpc.method"] === "wellapi.ingestion.v1.IngestionService/CreateSeries" &&
              ["DEADLINE_EXCEEDED", "CANCELLED"].includes(attributes["rpc.response.status_code"] ?? ""),
          );
        return calls.reduce((sum, { value }) => sum + value, 0) >= count || undefined;
      });
    mesh.pause("records"); // it neither answers nor ends
    try {
      const late = ingestion.createSeries({ batch: freshBatch(atMaker) }, { timeoutMs: 400 });
      await expect(late).rejects.toMatchObject({ code: Code.DeadlineExceeded });
      await ended(1);
      const leaving = new AbortController();
      const left = ingestion.createSeries({ batch: freshBatch(atMaker) }, { signal: leaving.signal });
      setTimeout(() => leaving.abort(), 300);
      await expect(left).rejects.toMatchObject({ code: Code.Canceled });
      await ended(2);
    } finally {
      mesh.resume("records");
    }
    await exported("records", "wellapi.consent.session.live", {}, is(1));
    await expect
      .poll(
        () =>
          send("2026-05-31T08:00:00Z").then(
            () => "sent",
            () => "refused",
          ),
        { timeout: 15_000 },
      )
      .toBe("sent");
  });

  test("why calls were refused, and how long commits take", async () => {
    const organizations = createClient(OrganizationService, maker.transport);
    const call = organizations.createOrganization({ organization: { displayName: "no" }, requestId: "no" });
    await expect(call).rejects.toSatisfy((error) => ConnectError.from(error).code === Code.PermissionDenied);
    const method = { "rpc.method": "wellapi.identity.v1.OrganizationService/CreateOrganization" };
    await exported(
      "gateway",
      "wellapi.rpc.server.refused_calls",
      {
        ...method,
        "wellapi.reason": "CALLER_NOT_PERMITTED",
        "rpc.response.status_code": "PERMISSION_DENIED",
      },
      is(1),
    );
    await send("2026-06-01T08:00:00Z");
    const commits = { "db.system.name": "mongodb", "db.namespace": "records", "db.operation.name": "commit" };
    const { sum, value } = await exported(
      "records",
      "db.client.operation.duration",
      commits,
      (point) => point.value > 0,
    );
    expect(sum / value).toBeGreaterThan(0.0001);
    expect(sum / value).toBeLessThan(5);
  });

  test("what waits for NATS while it is away, and that it has left when NATS is back", async () => {
    const outbox = { "db.namespace": "records", "wellapi.outbox.kind": "events" };
    await exported("records", "wellapi.events.connected", {}, is(1));
    await exported("records", "wellapi.outbox.waiting", outbox, is(0));
    await nats.servers[0]!.kill();
    await exported("records", "wellapi.events.connected", {}, is(0));
    await send("2026-06-02T08:00:00Z"); // ingestion goes on
    await exported("records", "wellapi.outbox.waiting", outbox, (point) => point.value >= 1);
    await exported("records", "wellapi.outbox.age", outbox, (point) => point.value > 0.5);
    await nats.servers[0]!.start();
    await exported("records", "wellapi.events.connected", {}, is(1));
    await exported("records", "wellapi.outbox.waiting", outbox, is(0), 15_000);
    await exported("records", "wellapi.outbox.age", outbox, is(0));
  });

  test("how far a durable is behind, and what it gave up on", async () => {
    const durable = { "messaging.consumer.group.name": "signals" };
    const events = await openJetStreamEvents({
      servers: nats.urls,
      stream: "wellapi",
      subjects: ["records.>"],
      replicas: 1,
      onError: () => undefined,
    });
    try {
      const consumption = { durable: "signals", subjects: ["records.>"] };
      const reading = await events.consume({ ...consumption, handle: async () => undefined });
      await reading.close();
      await exported("records", "wellapi.events.lag", durable, is(0));
      await send("2026-06-03T08:00:00Z");
      const behind = await exported("records", "wellapi.events.lag", durable, (point) => point.value > 0);
      const refuse = async () => {
        throw new Error("refused");
      };
      const failing = await events.consume({ ...consumption, maxAttempts: 1, handle: refuse });
      await exported("records", "wellapi.events.dead_letters", durable, is(behind.value));
      await exported("records", "wellapi.events.lag", durable, is(0));
      await failing.close();
      await events.replayDeadLetters("signals");
      await exported("records", "wellapi.events.dead_letters", durable, is(0));
    } finally {
      await events.close();
    }
  });

  test("which leaves have not reached audit", async () => {
    const leaves = { "db.namespace": "records", "wellapi.outbox.kind": "leaves" };
    await exported("records", "wellapi.outbox.waiting", leaves, is(0));
    await mesh.kill("audit");
    await send("2026-06-04T08:00:00Z");
    await exported("records", "wellapi.outbox.waiting", leaves, (point) => point.value >= 1);
    await exported("records", "wellapi.outbox.age", leaves, (point) => point.value > 0.3);
    await mesh.start("audit");
    await exported("records", "wellapi.outbox.waiting", leaves, is(0), 20_000);
    await exported("records", "wellapi.outbox.age", leaves, is(0));
    await exported(
      "records",
      "wellapi.outbox.waiting",
      { ...leaves, "wellapi.outbox.kind": "reserve" },
      is(0),
    );
  });

  test("how far compaction is behind", async () => {
    await send("2026-06-05T08:00:00Z");
    await exported("records", "wellapi.records.compacted_blocks", {}, (point) => point.value > 0);
    await exported("records", "wellapi.records.compaction.age", {}, is(0));
  });

  test("whether records may decide", async () => {
    await exported("records", "wellapi.consent.session.live", {}, is(1));
    await mesh.kill("consent");
    await exported("records", "wellapi.consent.session.live", {}, is(0));
    await exported(
      "records",
      "wellapi.consent.session.age",
      {},
      (point) => point.value > 1 && point.value < 30,
    );
    await mesh.start("consent");
    await exported("records", "wellapi.consent.session.live", {}, is(1));
    await exported("records", "wellapi.consent.session.age", {}, (point) => point.value < 1);
  });

  test("when certificates end", async () => {
    const valid = (seconds: number) => (point: Point) => point.value > 0 && point.value <= seconds;
    for (const service of serviceNames) {
      const use = { "wellapi.certificate.use": "workload" };
      await exported(service, "wellapi.certificate.remaining", use, valid(certificateMs / 1_000));
    }
    const door = { "wellapi.certificate.use": "door" };
    await exported("gateway", "wellapi.certificate.remaining", door, valid(7 * 24 * 3_600));
  });

  test("whose callers are beyond their budget", async () => {
    // A refused credential costs its address a hundredth of what it may spend in ten seconds.
    const guess = () =>
      fetch(`${mesh.httpUrl}/wellapi.audit.v1.AuditService/ListAccesses`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer wellapi_sk_wrong" },
        body: "{}",
      });
    // What those cost that are under way together is known afterwards; one by one, a busy machine makes them too slowly.
    const statuses: number[] = [];
    while (!statuses.includes(429) && statuses.length < 1_200) {
      const answers = await Promise.all(Array.from({ length: 120 }, guess));
      statuses.push(...answers.map(({ status }) => status));
    }
    expect([...new Set(statuses)].sort()).toEqual([401, 429]);
    const address = { "wellapi.budget.name": "address" };
    await exported("gateway", "wellapi.limits.refusals", address, (point) => point.value > 0);
  });

  test("messages that patients got, by channel", async () => {
    const sent = { "wellapi.notices.channel": "push", "wellapi.notices.outcome": "sent" };
    await exported("notices", "wellapi.notices.messages", sent, (point) => point.value > 0);
  });

  test("webhooks that organizations did not take", async () => {
    const refused = { "wellapi.notices.webhook_outcome": "refused" };
    await exported("notices", "wellapi.notices.webhooks", refused, (point) => point.value > 0);
  });

  // Last, when everything has happened.
  test("everything in its list and nothing else, and of nobody", async () => {
    const shape = ({ name, unit, type }: Point) => `${name} ${unit} ${type}`;
    const listed = Object.values(instruments).map(({ name, unit, kind }) => `${name} ${unit} ${kind}`);
    await expect.poll(() => [...new Set(sink.all().map(shape))].sort()).toEqual(listed.sort());
    const said = JSON.stringify(sink.all());
    const secrets = [
      maker.organization,
      clinic.organization,
      atMaker,
      atClinic,
      "Signals",
      mesh.operatorKey!,
    ];
    for (const secret of secrets) expect(said).not.toContain(secret);
    expect(said).not.toMatch(/(pat|org|app|cred|con|acc|obs|ses)_[0-9a-zA-Z]{8}/);
  });
});
