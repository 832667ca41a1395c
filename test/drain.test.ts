/** SIGTERM in the middle of everything: which callers get which answer, when, and that no answered write is lost. */
import { Code, createClient } from "@connectrpc/connect";
import { companyAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { openWatch } from "@wellapi/demo/watch";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@wellapi/gen/grpc/health/v1/health_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { afterEach, expect, test } from "vitest";
import { callWithBatches, enrolScene, heartRate, lost, streamBatches, untilAcked } from "./drain-load.ts";

const drainMs = 1_500;
const folder = temporaryFolder();
let server: Server | undefined;
const start = () =>
  startServer({
    dataDir: folder.path,
    target: "one-process",
    env: { WELLAPI_DRAIN_MS: String(drainMs), WELLAPI_LOG_LEVEL: "error" },
  });
afterEach(async () => {
  await server?.stop();
  folder.remove();
});

test("a server that is told to stop says so at once, serves what is open for a time, and loses nothing", async () => {
  server = await start();
  const { http } = server;
  const { maker, clinic, atMaker, atClinic } = await enrolScene(server, "Drain");
  const streams = [1, 2, 3].map(() => streamBatches(companyAt(server!, maker), atMaker));
  const calls = [1, 2].map(() => callWithBatches(companyAt(server!, maker), atMaker));
  const watch = await openWatch(clinic, atClinic, heartRate);
  let health = Status.UNKNOWN;
  const watched = (async () => {
    for await (const { status } of createClient(Health, clinic.transport).watch({})) health = status;
  })().catch(() => {});
  for (const ingest of [...streams, ...calls]) await untilAcked(ingest, 4, 60_000);
  expect(health).toBe(Status.SERVING);

  const stopped = server.stop();
  await expect.poll(() => health, { interval: 10 }).toBe(Status.NOT_SERVING);
  const before = streams.map(({ acked }) => acked.length);
  // Both doors refuse new callers, while open streams are still answered.
  const newcomer = createClient(IngestionService, companyAt(server, maker).transport).createSeries({});
  await expect(newcomer).rejects.toMatchObject({ code: Code.Unavailable });
  expect(
    await fetch(`${http}/readyz`).then(
      ({ status }) => status,
      () => "closed",
    ),
  ).not.toBe(200);

  // Then each is asked to reconnect elsewhere, with a delay.
  for (const [i, { acked, ended }] of streams.entries()) {
    expect(await ended).toMatchObject({
      code: Code.Unavailable,
      reason: "SERVER_STOPPING",
      retryAfterMs: expect.any(Number),
    });
    expect(acked.length).toBeGreaterThan(before[i]!);
  }
  for (const { ended } of calls) expect((await ended).code).toBe(Code.Unavailable);
  expect(await watch.ended(15_000)).toBe("SERVER_STOPPING");
  await watched;
  expect(await stopped).toBe(0);

  server = await start();
  const acked = [...streams, ...calls].flatMap((ingest) => ingest.acked);
  expect(await lost(companyAt(server, maker), acked)).toBe(0);
}, 150_000);
