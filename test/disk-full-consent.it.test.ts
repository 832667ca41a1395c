/** On a full disk patients can revoke, readers read under consent, and a process starts: until there is room again. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConnectError, createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { type Company, companyAt, enrolCompany, enrolPerson, personAt } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import { Direction, Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemOf } from "@wellapi/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decided } from "./decided.ts";
import { code, fillDisk, outcomeOf, root } from "./full-disk.ts";

const samples = 50;

interface Clinic extends Company {
  readonly consent: string;
  /** The patient, as the clinic knows them. */
  readonly patient: string;
}

describe.skipIf(!root)("a full disk", () => {
  const folder = temporaryFolder();
  const logs = temporaryFolder();
  const dataDir = join(folder.path, "data");
  const fillers: string[] = [];
  const clinics: Clinic[] = [];
  let server: Server;
  let operatorKey: string;
  let person: Awaited<ReturnType<typeof enrolPerson>>;
  let maker: Company;
  let known: string;

  const start = async () => {
    const logFile = join(logs.path, "server.log");
    server = await startServer({ dataDir, logFile }).catch((error: unknown) => {
      throw new Error(readFileSync(logFile, "utf8").slice(-2_000), { cause: error });
    });
    server = { ...server, operatorKey: server.operatorKey ?? operatorKey };
  };

  /** Until nothing fits: what a process lets go of is taken, too. */
  function fill(): void {
    for (let i = 0; i < 20 && statfsSync(folder.path).bavail > 0; i++) {
      fillers.push(join(folder.path, `filler${fillers.length}`));
      fillDisk(folder.path, fillers.at(-1)!);
    }
    expect(statfsSync(folder.path).bavail).toBe(0);
  }

  /** The samples that a clinic gets, or why not. */
  const read = (clinic: Clinic) => decided(() => readOnce(clinic));
  async function readOnce(clinic: Clinic): Promise<number | string> {
    const records = createClient(RecordsService, companyAt(server, clinic).transport);
    const query = { patient: clinic.patient, code: { code }, purpose: Purpose.TREATMENT };
    try {
      for await (const { payload } of records.readSeries(query)) {
        if (payload.case === "end") return Number(payload.value.samples);
      }
      return "no end";
    } catch (error) {
      return problemOf(ConnectError.from(error)).reason;
    }
  }

  async function revoke({ consent }: Clinic): Promise<string> {
    const { transport } = await personAt(server, person.id);
    try {
      await createClient(ConsentService, transport).revokeConsent({ consent });
      return "revoked";
    } catch (error) {
      return problemOf(ConnectError.from(error)).reason;
    }
  }

  const send = (at: string) => outcomeOf(companyAt(server, maker), known, at);
  const readiness = async () => (await (await fetch(`${server.http}/readyz`)).json()) as object;
  const readOnly = { status: "ready", writes: "refused", reason: "DISK_FULL" };

  beforeAll(async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder.path]);
    await start();
    operatorKey = server.operatorKey ?? "";
    maker = await enrolCompany(server, "Maker");
    person = await enrolPerson(server, "Person");
    await grant(person, maker, Direction.CONTRIBUTE);
    const patientOf = async (company: Company) =>
      (await createClient(ConsentService, company.transport).listConsents({})).consents[0]!.patient;
    known = await patientOf(maker);
    for (const name of ["One", "Two", "Three", "Four"]) {
      const company = await enrolCompany(server, name);
      const consent = await grant(person, company, Direction.READ);
      clinics.push({ ...company, consent, patient: await patientOf(company) });
    }
    const parcel = { patient: known, code, unit: "/min", durationMs: 0, minutes: samples };
    await contribute(maker, undefined, [{ ...parcel, from: "2026-05-01T08:00:00Z" }]);
  });

  afterAll(async () => {
    await server?.kill();
    execFileSync("umount", [folder.path]);
    folder.remove();
    logs.remove();
  });

  test("refuses data with the reason, and readiness says it", async () => {
    fill();
    await expect.poll(readiness, { timeout: 15_000 }).toEqual(readOnly);
    expect(await send("2025-06-01T00:00:00Z")).toBe("DISK_FULL");
  }, 180_000);

  test("lets readers read under consent, for longer than a session lasts, and a patient revoke", async () => {
    const [one, two] = clinics as [Clinic, Clinic];
    const until = Date.now() + 4_000;
    for (let reads = 0; Date.now() < until || reads < 5; reads++) {
      expect(await read(one)).toBe(samples);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await revoke(one)).toBe("revoked");
    expect(await read(one)).toBe("CONSENT_REQUIRED");
    // Again, as a client does that lost the answer.
    expect(await revoke(one)).toBe("revoked");
    expect(await read(two)).toBe(samples);
  }, 180_000);

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "lets a process ended by %s start, read and revoke",
    async (signal) => {
      const at = signal === "SIGTERM" ? 1 : 2;
      if (signal === "SIGTERM") expect(await server.stop()).toBe(0);
      else await server.kill();
      fill();
      await start();
      // What the start has freed is taken by somebody else.
      fill();
      const [clinic, next] = [clinics[at]!, clinics[at + 1]!];
      await expect.poll(readiness, { timeout: 15_000 }).toEqual(readOnly);
      expect(await send("2025-06-01T00:00:00Z")).toBe("DISK_FULL");
      expect(await read(clinics[0]!)).toBe("CONSENT_REQUIRED");
      expect(await read(clinic)).toBe(samples);
      expect(await revoke(clinic)).toBe("revoked");
      expect(await read(clinic)).toBe("CONSENT_REQUIRED");
      expect(await read(next)).toBe(samples);
    },
    180_000,
  );

  test("once there is room takes data again by itself, and every access reaches the log", async () => {
    for (const filler of fillers) rmSync(filler, { force: true });
    await expect.poll(() => send("2025-07-01T00:00:00Z"), { timeout: 15_000 }).toBe("stored");
    expect(await readiness()).toEqual({ status: "ready" });
    const reserves = [
      [join(dataDir, "reserves", "start.room"), 1],
      [join(dataDir, "reserves", "consent.room"), 4],
      [join(dataDir, "journal", "journal.room"), 1],
    ] as const;
    for (const [path, megabytes] of reserves) {
      await expect.poll(() => statSync(path).size, { timeout: 15_000 }).toBe(megabytes * 1024 * 1024);
    }
    const { transport } = await personAt(server, person.id);
    const audit = createClient(AuditService, transport);
    const count = async (method: string, phase?: string) => {
      const { accesses } = await audit.listAccesses({ pageSize: 500 });
      return accesses.filter(
        ({ access }) => access?.method.endsWith(method) && (!phase || access.reason === phase),
      ).length;
    };
    // Five and more before the first revocation, and one for each read after it.
    await expect.poll(() => count("/ReadSeries"), { timeout: 15_000 }).toBeGreaterThanOrEqual(18);
    await expect.poll(() => count("/RevokeConsent"), { timeout: 15_000 }).toBe(4);
    const fresh = await enrolCompany(server, `Fresh-${randomUUID()}`);
    expect(await grant(await personAt(server, person.id), fresh, Direction.READ)).toBeTruthy();
  }, 180_000);
});
