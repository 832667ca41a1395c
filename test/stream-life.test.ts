import { createClient } from "@connectrpc/connect";
import { connect, type WatchOptions, type WellApiError, watchSeries } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { operatorAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { code, openStalledScene, type StalledScene } from "./stalled/scene.ts";

const streamAgeMs = 4_000;
const purpose = Purpose.TREATMENT;

/** A watch of the client library, with how it was cut. */
function startWatch(
  transport: Parameters<typeof createClient>[1],
  patient: string,
  options: WatchOptions = {},
) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const cuts: string[] = [];
  let messages = 0;
  let starts = 0;
  const ended = (async () => {
    const watch = watchSeries(
      createClient(RecordsService, transport),
      { patient, codes: [{ code }], purpose },
      {
        ...options,
        signal: leaving.signal,
        onCut: (error: WellApiError) => cuts.push(problemOf(error).reason),
      },
    );
    for await (const { payload } of watch) {
      if (payload.case === "start") starts += 1;
      else messages += 1;
    }
    return "left";
  })().catch((error: WellApiError) => problemOf(error).reason);
  return { cuts, ended, starts: () => starts, messages: () => messages };
}

describe("an open stream", () => {
  const folder = temporaryFolder();
  let server: Server;
  let scene: StalledScene;

  beforeAll(async () => {
    server = await startServer({
      dataDir: folder.path,
      target: "one-process",
      env: { WELLAPI_STREAM_AGE_MS: String(streamAgeMs), WELLAPI_STREAMS_PER_PERSON: "3" },
    });
    scene = await openStalledScene(server);
    await grant(scene.person, scene.clinic, Direction.READ);
  });
  afterAll(async () => {
    expect(await server?.stop()).toBe(0);
    folder.remove();
  });

  const atDoor = (door: "grpc" | "gateway") =>
    door === "grpc"
      ? connect({ url: server.grpc, certificate: scene.clinic.certificate })
      : connect({ url: server.http, apiKey: scene.clinicKey });

  test.each(["grpc", "gateway"] as const)(
    "ends when it is too old, and the client library's watch goes on without a gap (%s)",
    async (door) => {
      const watch = startWatch(atDoor(door), await scene.idAt(scene.clinic));
      await expect.poll(watch.starts, { timeout: 15_000 }).toBe(1);
      await expect.poll(() => watch.cuts, { timeout: 15_000 + streamAgeMs }).toContain("STREAM_TOO_OLD");
      await expect.poll(watch.starts, { timeout: 15_000 }).toBeGreaterThanOrEqual(2);
      await scene.send(1);
      await expect.poll(watch.messages, { timeout: 20_000 }).toBeGreaterThanOrEqual(5);
    },
    60_000,
  );

  test("of a patient is one of a few", async () => {
    const { transport, id } = scene.person;
    const client = createClient(RecordsService, transport);
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const watch = async () => {
      const stream = client.watchSeries(
        { patient: id, codes: [{ code }], purpose: Purpose.PATIENT_REQUEST },
        { signal: leaving.signal },
      );
      await stream[Symbol.asyncIterator]().next();
    };
    for (let i = 0; i < 3; i++) await watch();
    expect(
      await watch().then(
        () => "open",
        (error) => problemOf(error).reason,
      ),
    ).toBe("TOO_MANY_STREAMS");
  });

  test("ends soon after its credential was revoked, at both doors", async () => {
    const patient = await scene.idAt(scene.clinic);
    const watches = (["grpc", "gateway"] as const).map((door) => startWatch(atDoor(door), patient));
    for (const { starts } of watches) await expect.poll(starts, { timeout: 15_000 }).toBe(1);
    const credentials = createClient(CredentialService, operatorAt(server));
    const listed = await credentials.listCredentials({ application: scene.application });
    const began = performance.now();
    for (const { id } of listed.credentials) await credentials.revokeCredential({ credential: id });
    const reasons = await Promise.all(watches.map(({ ended }) => ended));
    process.stderr.write(
      `revoked credentials ended both watches after ${Math.round(performance.now() - began)} ms\n`,
    );
    expect(reasons).toEqual(["CREDENTIAL_INVALID", "CREDENTIAL_INVALID"]);
  });
});
