import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { createLogger, openTelemetry, silentLogger } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { openOtlpSink } from "../../runtime/test/otlp-sink.ts";
import { createMemoryTransport, serverInterceptors } from "../src/index.ts";
import { createTrustingAuthentication, partialRoute } from "../src/testing.ts";
import { openDoor, openDoorWithoutTraces } from "./open-door.ts";

test("one trace through the door and the call behind it, by the conventions, without a patient in it", async () => {
  const exported = new Map<string, string>();
  const collector = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    exported.set(request.url!, Buffer.concat(chunks).toString("latin1"));
    response.end();
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  const telemetry = await openTelemetry({ serviceName: "test", env });

  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    env: { WELLAPI_LOG_FORMAT: "json", WELLAPI_LOG_LEVEL: "debug" },
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const behind = createMemoryTransport({
    workload: "records",
    routes: [partialRoute(ConsentDecisionService, { revokeAllConsents: () => ({}) })],
    interceptors: serverInterceptors({
      log,
      authentication: createTrustingAuthentication({
        principal: { kind: "service", id: "records" },
        workload: "records",
        token: "t",
      }),
    }),
  });
  const consent = createClient(ConsentDecisionService, behind);
  const door = await openDoor(
    [
      partialRoute(RecordsService, {
        async getObservation(_request, context) {
          await consent
            .revokeAllConsents({ patient: "pat_canary" } as never, { contextValues: context.values })
            .catch(() => {});
          throw new TypeError("broken");
        },
      }),
    ],
    serverInterceptors({
      log,
      authentication: createTrustingAuthentication({
        principal: { kind: "application", id: "app_of_maker", organization: "org_canary" },
        workload: "door",
        token: "t",
      }),
    }),
  );
  try {
    const records = createClient(RecordsService, door.transport);
    await expect(
      records.getObservation({
        patient: "pat_canary",
        observation: "obs_canary",
        purpose: Purpose.TREATMENT,
      }),
    ).rejects.toThrow("internal error");
  } finally {
    await door.close();
    await telemetry.close();
    collector.close();
  }

  const calls = lines.filter(({ msg }) => msg === "call");
  expect(calls.map(({ rpc }) => rpc)).toEqual([
    "wellapi.internal.consent.v1.ConsentDecisionService/RevokeAllConsents",
    "wellapi.records.v1.RecordsService/GetObservation",
  ]);
  expect(calls[1]).toMatchObject({
    level: "warn",
    code: "INTERNAL",
    workload: "outside",
    principal_kind: "application",
    application: "app_of_maker",
    caller_address: expect.stringMatching(/^[\w-]{16}$/),
  });
  expect(JSON.stringify(lines)).not.toContain("127.0.0.1");
  expect(calls[0]!.trace_id).toMatch(/^[0-9a-f]{32}$/);
  expect(calls[0]!.trace_id).toBe(calls[1]!.trace_id);
  expect(calls[0]!.request_id).toBe(calls[1]!.request_id);

  const spans = exported.get("/v1/traces")!;
  const metrics = exported.get("/v1/metrics")!;
  for (const name of ["rpc.system.name", "rpc.method", "rpc.response.status_code", "error.type"]) {
    expect(spans).toContain(name);
    expect(metrics).toContain(name);
  }
  expect(metrics).toContain("rpc.server.call.duration");
  expect(spans + metrics + JSON.stringify(lines)).not.toContain("canary");
  // The application is in the line alone.
  expect(spans + metrics).not.toContain("app_of_maker");
});

test("a call has a span at each end; a trace from outside goes on, but does not decide what is recorded", async () => {
  const sink = await openOtlpSink();
  const telemetry = await openTelemetry({ serviceName: "test", env: sink.env });
  const route = partialRoute(RecordsService, {
    getObservation: () => ({}),
    async *watchSeries() {
      yield {};
    },
  });
  const authentication = createTrustingAuthentication({
    principal: { kind: "application", id: "app_1", organization: "org_1" },
    workload: "door",
    token: "t",
  });
  const door = await openDoor([route], serverInterceptors({ log: silentLogger, authentication }));
  const outside = { trace: "a".repeat(32), id: "b".repeat(16) };
  try {
    const records = createClient(RecordsService, door.transport);
    const observation = { patient: "pat_1", observation: "obs_1", purpose: Purpose.TREATMENT };
    await records.getObservation(observation);
    await Array.fromAsync(
      records.watchSeries({ patient: "pat_1", codes: [{ code: "8867-4" }], purpose: Purpose.TREATMENT }),
    );
    const raw = openDoorWithoutTraces(door.port);
    await createClient(RecordsService, raw.transport).getObservation(observation, {
      headers: { traceparent: `00-${outside.trace}-${outside.id}-00`, tracestate: "vendor=hidden" },
    });
    raw.close();
  } finally {
    await door.close();
    await telemetry.close();
    sink.close();
  }
  const [server, client] = [2, 3];
  const named = (method: string, kind: number) =>
    sink
      .spans()
      .filter((span) => span.name === `wellapi.records.v1.RecordsService/${method}` && span.kind === kind);
  for (const method of ["GetObservation", "WatchSeries"]) {
    const [call] = named(method, client);
    expect(call).toMatchObject({
      parent: "",
      attributes: {
        "rpc.system.name": "grpc",
        "rpc.response.status_code": "OK",
        "server.address": "localhost",
        "server.port": String(door.port),
      },
    });
    expect(named(method, server)[0]).toMatchObject({ trace: call!.trace, parent: call!.id });
  }
  expect(named("GetObservation", server)[1]).toMatchObject({ trace: outside.trace, parent: outside.id });
});
