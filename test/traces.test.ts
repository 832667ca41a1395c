/** A whole exchange with a collector: what a trace tells of a call, of its entry and of its event. */
import { join } from "node:path";
import { batchesOf, connect, connectAsPatient, createClient, type Row, uploadSeries } from "@wellapi/client";
import { enrolOrganization, enrolPatient } from "@wellapi/client/enrolment";
import { startServer, temporaryFolder } from "@wellapi/demo/server";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { version } from "@wellapi/runtime";
import { expect, test, vi } from "vitest";
import { openOtlpSink, type Span } from "../packages/runtime/test/otlp-sink.ts";

const outside = { trace: "a1".repeat(16), id: "b2".repeat(8) };
const [server, client, producer] = [2, 3, 4]; // kinds of OTLP

async function* rows(): AsyncGenerator<Row> {
  yield { timeMs: Date.UTC(2026, 3, 12, 8), offsetMinutes: 0, mantissa: 72, scale: 0 };
}

test("a trace from a web page to the disk, and batches of entries and events linked with the calls they carry", {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const sink = await openOtlpSink();
  const exchange = await startServer({
    dataDir: join(folder.path, "data"),
    target: "one-process",
    env: sink.env,
  });
  try {
    const operatorKey = exchange.operatorKey!;
    const created = await fetch(
      `${exchange.http}/wellapi.identity.v1.OrganizationService/CreateOrganization`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${operatorKey}`,
          "content-type": "application/json",
          traceparent: `00-${outside.trace}-${outside.id}-01`,
        },
        body: JSON.stringify({ organization: { displayName: "Web" }, requestId: "web-1" }),
      },
    );
    expect(created.status).toBe(200);
    const operator = connect({ url: exchange.http, apiKey: operatorKey });
    const maker = await enrolOrganization(operator, { organization: "Pulse", application: "sync" });
    const patient = await enrolPatient(operator, { displayName: "Ada", timeZone: "UTC" });
    const person = await connectAsPatient({ url: exchange.http, operatorKey, patient });
    await createClient(ConsentService, person).createConsent({
      requestId: "one",
      consent: {
        grantee: maker.organization,
        provisions: [
          {
            effect: Provision_Effect.PERMIT,
            directions: [Direction.CONTRIBUTE],
            categories: [{ name: "heart" }],
          },
        ],
      },
    });
    const door = connect({ url: exchange.grpc, certificate: maker.certificate });
    const { consents } = await createClient(ConsentService, door).listConsents({});
    const options = {
      patient: consents[0]!.patient,
      code: "8867-4",
      unit: "/min",
      durationMs: 0,
      samplesPerBatch: 10,
    };
    await uploadSeries(createClient(IngestionService, door), batchesOf(rows(), options));
    // Entries and events leave by themselves.
    await vi.waitFor(() => judge(sink.spans()), { timeout: 60_000, interval: 200 });
  } finally {
    expect(await exchange.stop()).toBe(0);
    sink.close();
    folder.remove();
  }
});

function judge(spans: readonly Span[]): void {
  const all = (name: string) => spans.filter((span) => span.name === name);
  const parentOf = (span: Span) => spans.find(({ id, trace }) => id === span.parent && trace === span.trace);
  expect(new Set(spans.map((span) => span.version))).toEqual(new Set([version]));

  const [door, ...behind] = all("wellapi.identity.v1.OrganizationService/CreateOrganization")
    .filter(({ trace }) => trace === outside.trace)
    .sort((a, b) => (a.parent === outside.id ? -1 : b.parent === outside.id ? 1 : 0));
  expect(door).toMatchObject({
    parent: outside.id,
    kind: server,
    attributes: { "rpc.system.name": "connectrpc", "rpc.response.status_code": "OK" },
  });
  expect(behind).toMatchObject([{ parent: door!.id, attributes: { "rpc.system.name": "grpc" } }]);
  const commit = all("commit identity").find(({ trace }) => trace === outside.trace)!;
  expect(commit).toMatchObject({ kind: client, attributes: { "db.system.name": "sqlite" } });
  expect(parentOf(commit)).toBe(behind[0]);

  const delivered = all("deliver entries");
  expect(delivered.every(({ parent, kind }) => parent === "" && kind === producer)).toBe(true);
  expect(delivered.flatMap(({ links }) => links)).toContainEqual({ trace: outside.trace, id: behind[0]!.id });
  expect(all("integrate entries").length).toBeGreaterThan(0);

  const [group] = all("commit batches");
  const append = spans.find(({ trace, id }) =>
    group!.links.some((link) => link.trace === trace && link.id === id),
  );
  expect(append?.name).toMatch(/AppendSeries$/);
  expect(delivered.flatMap(({ links }) => links)).toContainEqual({ trace: append!.trace, id: append!.id });
  const written = all("commit records").filter(({ parent }) => parent === group!.id);
  expect(all("send events").flatMap(({ links }) => links)).toContainEqual({
    trace: group!.trace,
    id: written[0]!.id,
  });
}
