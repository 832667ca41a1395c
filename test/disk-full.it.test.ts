import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { verifyLogGrowth } from "@wellapi/client";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { companyAt, enrolCompany, enrolPerson, personAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Provision_Effect } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SeriesBatchSchema } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { code, fillDisk, outcomeOf, root } from "./full-disk.ts";

describe.skipIf(!root)("the disk fills", () => {
  const folder = temporaryFolder();
  const logs = temporaryFolder();
  const filler = join(folder.path, "filler");
  let server: Server;

  beforeAll(async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", folder.path]);
    server = await startServer({
      dataDir: join(folder.path, "data"),
      logFile: join(logs.path, "server.log"),
    });
  });

  afterAll(async () => {
    await server?.stop();
    execFileSync("umount", [folder.path]);
    folder.remove();
    logs.remove();
  });

  test("nothing is acked, callers get UNAVAILABLE with a delay, reads go on, and all is well once there is room", async () => {
    const maker = await enrolCompany(server, "Maker");
    const person = await enrolPerson(server, "Person");
    await createClient(ConsentService, person.transport).createConsent({
      requestId: "full",
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
    const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
    const audit = createClient(AuditService, person.transport);
    const { checkpoint, verifierKey } = await audit.getCheckpoint({});
    const ingestion = createClient(IngestionService, maker.transport);
    let next = 0;
    const send = async () => {
      const number = next++;
      const batch = create(SeriesBatchSchema, {
        requestId: randomUUID(),
        patient: consents[0]!.patient,
        series: [
          {
            code: { code },
            unit: "/min",
            times: {
              start: {
                case: "startTime",
                value: timestampFromMs(Date.parse("2026-01-01T00:00:00Z") + number * 60_000_000),
              },
              utcOffsetMinutes: 0,
              spacing: { case: "periodMs", value: 60_000 },
            },
            values: {
              case: "decimals",
              value: {
                scale: 6,
                mantissas: Array.from({ length: 1000 }, () => Math.floor(1e7 + Math.random() * 5e8)),
              },
            },
          },
        ],
      });
      await ingestion.createSeries({ batch });
      return batch;
    };
    const readAll = async () => {
      let samples = 0;
      for await (const { payload } of createClient(RecordsService, person.transport).readSeries({
        patient: person.id,
        code: { code },
        purpose: Purpose.PATIENT_REQUEST,
      })) {
        if (payload.case === "end") samples = payload.value.samples!;
      }
      return samples;
    };

    await send();
    fillDisk(folder.path, filler);
    let acked = 1;
    let refusal: ReturnType<typeof problemOf> | undefined;
    for (let attempt = 0; attempt < 500 && !refusal; attempt++) {
      try {
        await send();
        acked += 1;
      } catch (error) {
        refusal = problemOf(ConnectError.from(error));
      }
    }
    expect(refusal).toMatchObject({ code: Code.Unavailable });
    expect(refusal?.retryAfterMs).toBeGreaterThan(0);

    for (let i = 0; i < 5; i++) expect(await readAll()).toBe(acked * 1000);

    rmSync(filler);
    await expect
      .poll(
        async () =>
          send().then(
            () => "stored",
            (error) => ConnectError.from(error).code,
          ),
        { timeout: 15_000 },
      )
      .toBe("stored");
    acked += 1;
    expect(await readAll()).toBe(acked * 1000);
    // The entries of the reads on a full disk lay in the reserve; now they reach the log.
    await expect
      .poll(
        async () => {
          const { accesses } = await audit.listAccesses({ pageSize: 500 });
          return accesses.filter(({ access }) => access?.method.endsWith("/ReadSeries")).length;
        },
        { timeout: 15_000 },
      )
      .toBeGreaterThanOrEqual(12);
    const grown = await verifyLogGrowth(audit, checkpoint, verifierKey);
    expect(grown.to).toBeGreaterThan(grown.from);
    expect(await server.stop()).toBe(0);
    server = await startServer({
      dataDir: join(folder.path, "data"),
      logFile: join(logs.path, "server.log"),
    });
  }, 60_000);
});

describe.skipIf(!root).each(["SIGTERM", "SIGKILL"] as const)(
  "an exchange on a full disk, ended by %s",
  (signal) => {
    const folder = temporaryFolder();
    const logs = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const fillers: string[] = [];
    let server: Server;
    const start = () => startServer({ dataDir, logFile: join(logs.path, "server.log") });

    /** Until nothing fits: what a process lets go of may be taken, too. */
    function fill(): void {
      for (let i = 0; i < 20 && statfsSync(folder.path).bavail > 0; i++) {
        fillers.push(join(folder.path, `filler${fillers.length}`));
        fillDisk(folder.path, fillers.at(-1)!);
      }
    }

    beforeAll(async () => {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder.path]);
      server = await start();
    });

    afterAll(async () => {
      await server?.kill();
      execFileSync("umount", [folder.path]);
      folder.remove();
      logs.remove();
    });

    test("comes up again: reads go on for longer than a session lasts, writes are DISK_FULL until there is room", async () => {
      const maker = await enrolCompany(server, "Maker");
      const person = await enrolPerson(server, "Person");
      await grant(person, maker, Direction.CONTRIBUTE);
      const { consents } = await createClient(ConsentService, maker.transport).listConsents({});
      const parcel = { patient: consents[0]!.patient, code, unit: "/min", durationMs: 0, minutes: 50 };
      await contribute(maker, undefined, [{ ...parcel, from: "2026-05-01T08:00:00Z" }]);
      if (signal === "SIGTERM") expect(await server.stop()).toBe(0);
      else await server.kill();
      fill();
      expect(statfsSync(folder.path).bavail).toBe(0);

      server = await start();
      const again = await personAt({ ...server, operatorKey: operatorKey(server) }, person.id);
      const records = createClient(RecordsService, again.transport);
      const query = { patient: person.id, code: { code }, purpose: Purpose.PATIENT_REQUEST };
      // What the start has freed is taken by somebody else.
      fill();
      const until = Date.now() + 4_000;
      for (let reads = 0; Date.now() < until || reads < 5; reads++) {
        let samples = 0;
        for await (const { payload } of records.readSeries(query)) {
          if (payload.case === "end") samples = Number(payload.value.samples);
        }
        expect(samples).toBe(50);
        await sleep(200);
      }
      const sender = companyAt(server, maker);
      const send = (from: string) => outcomeOf(sender, parcel.patient, from);
      let refused = await send("2025-06-01T00:00:00Z");
      // Small ones may fit into pages that were free.
      for (let i = 0; i < 300 && refused === "stored"; i++) {
        refused = await send(new Date(Date.UTC(2025, 5, 2 + i)).toISOString());
      }
      expect(refused).toBe("DISK_FULL");

      for (const filler of fillers) rmSync(filler, { force: true });
      await expect.poll(() => send("2026-04-01T00:00:00Z"), { timeout: 15_000 }).toBe("stored");
      expect(await server.stop()).toBe(0);
      server = await start();
      for (const room of ["start.room", "consent.room"]) {
        expect(statSync(join(dataDir, "reserves", room)).size).toBeGreaterThan(1_000_000);
      }
    }, 120_000);

    let firstKey = "";
    function operatorKey({ operatorKey: key }: Server): string {
      firstKey ||= key ?? "";
      return firstKey;
    }
    beforeAll(() => void operatorKey(server));
  },
);
