/** A log that was changed on the disk of a real exchange: told, never served, never a reason not to revoke. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
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

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const code = "8867-4";
const samples = 40;

/** One bit in the middle of a field of bytes (BSON: its name, its length, a kind, the bytes). */
function flip(dataDir: string, collection: string, where: string, field: string): void {
  const database = new DatabaseSync(join(dataDir, "audit.db"));
  const row = database.prepare(`SELECT rowid, document FROM c_${collection} WHERE ${where}`).get()!;
  const document = Buffer.from(row.document as Uint8Array);
  const start = document.indexOf(`\x05${field}\0`, 0, "latin1") + field.length + 2;
  document[start + 5 + (document.readInt32LE(start) >> 1)]! ^= 8;
  database.prepare(`UPDATE c_${collection} SET document = ? WHERE rowid = ?`).run(document, row.rowid!);
  database.close();
}

const flipEntry = (dataDir: string) => flip(dataDir, "log_entries", "f_index = 100", "entry");
const dropTiles = (dataDir: string) => rmSync(join(dataDir, "log", "tile"), { recursive: true });

describe("a log that was changed on the disk", { timeout: 240_000 }, () => {
  const folder = temporaryFolder();
  const whole = join(folder.path, "whole");
  let cases = 0;
  let operatorKey = "";
  let maker: Company;
  let clinic: Company;
  let patient: string;
  let personId: string;
  let consent: string;
  let server: Server;

  async function start(dataDir: string): Promise<Server> {
    const started = await startServer({ dataDir, logFile: `${dataDir}.log` });
    server = { ...started, operatorKey };
    return server;
  }
  const linesOf = (dataDir: string) => readFileSync(`${dataDir}.log`, "utf8");

  async function wellapi(dataDir: string, ...words: string[]) {
    const child = spawn(process.execPath, [main, ...words], {
      env: {
        ...process.env,
        WELLAPI_API_KEY: operatorKey,
        WELLAPI_DATA_DIR: dataDir,
        WELLAPI_JOURNAL_DIR: join(dataDir, "journal"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [exit]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { exit: exit as number | null, out, err };
  }

  /** A copy of the whole folder, damaged. */
  function damaged(...damages: readonly ((dataDir: string) => void)[]): string {
    const dataDir = join(folder.path, `case${++cases}`);
    cpSync(whole, dataDir, { recursive: true });
    for (const damage of damages) damage(dataDir);
    return dataDir;
  }

  const read = () => decided(readOnce);
  async function readOnce(): Promise<number | string> {
    const records = createClient(RecordsService, companyAt(server, clinic).transport);
    try {
      for await (const { payload } of records.readSeries({
        patient,
        code: { code },
        purpose: Purpose.TREATMENT,
      })) {
        if (payload.case === "end") return Number(payload.value.samples);
      }
      return "no end";
    } catch (error) {
      return problemOf(ConnectError.from(error)).reason;
    }
  }

  async function revoke(): Promise<void> {
    const { transport } = await personAt(server, personId);
    await createClient(ConsentService, transport).revokeConsent({ consent });
  }

  beforeAll(async () => {
    server = await startServer({ dataDir: whole });
    operatorKey = server.operatorKey ?? "";
    maker = await enrolCompany(server, "Maker");
    clinic = await enrolCompany(server, "Clinic");
    const person = await enrolPerson(server, "Ada");
    personId = person.id;
    await grant(person, maker, Direction.CONTRIBUTE);
    consent = await grant(person, clinic, Direction.READ);
    const patientOf = async (company: Company) =>
      (await createClient(ConsentService, company.transport).listConsents({})).consents[0]!.patient;
    const parcel = { patient: await patientOf(maker), code, unit: "/min", durationMs: 0, minutes: samples };
    await contribute(maker, undefined, [{ ...parcel, from: "2026-05-01T08:00:00Z" }]);
    patient = await patientOf(clinic);
    // Enough accesses for a full tile of the log.
    const consents = createClient(ConsentService, person.transport);
    for (let i = 0; i < 14; i++) {
      await Promise.all(Array.from({ length: 20 }, () => consents.listConsents({})));
    }
    // Once the tile is full, the log keeps it.
    const full = async () => (await fetch(`${server.http}/log/tile/0/000`)).ok;
    for (let i = 0; i < 200 && !(await full()); i++) await sleep(100);
    expect(await server.stop()).toBe(0);
  });

  afterAll(async () => {
    await server?.kill();
    folder.remove();
  });

  test("an entry: the exchange starts and says which, reads and revokes; verify --full and check name it, repair puts it back", async () => {
    const dataDir = damaged(flipEntry);
    await start(dataDir);
    expect(linesOf(dataDir)).toContain("entry 100 of the log");
    expect(linesOf(dataDir)).toContain("wellapi audit repair");
    expect(await read()).toBe(samples);
    await revoke();
    expect(await read()).toBe("CONSENT_REQUIRED");
    expect((await fetch(`${server.http}/log/tile/entries/000`)).ok).toBe(false);
    const verified = await wellapi(dataDir, "audit", "verify", "--full", "--url", server.http);
    expect([verified.exit, verified.out]).toEqual([9, expect.stringContaining("entry 100 ")]);
    // And the patient whose access it is.
    const { accesses } = await createClient(
      AuditService,
      (await personAt(server, personId)).transport,
    ).listAccesses({
      pageSize: 500,
    });
    const hit = accesses.find(({ index }) => index === 100n)!.id;
    const as = ["--url", server.http, "--as-patient", personId];
    const access = await wellapi(dataDir, "audit", "verify", hit, ...as);
    expect([access.exit, access.err]).toEqual([9, expect.stringContaining("LOG_DAMAGED")]);
    expect(await server.stop()).toBe(0);

    const checked = await wellapi(dataDir, "check");
    expect([checked.exit, checked.out]).toEqual([
      9,
      expect.stringMatching(/log_entries: log 100: entry 100 /),
    ]);
    const repaired = await wellapi(dataDir, "audit", "repair");
    expect([repaired.exit, repaired.out]).toEqual([0, "entry 100 was put back\n"]);
    await start(dataDir);
    const again = await wellapi(dataDir, "audit", "verify", "--full", "--url", server.http);
    expect([again.exit, again.out]).toEqual([0, expect.stringMatching(/^✓ all \d+ entries and their tiles/)]);
    expect(await server.stop()).toBe(0);
  });

  test("an entry without any tile: the exchange starts and says which, reads and revokes", async () => {
    const dataDir = damaged(flipEntry, dropTiles);
    await start(dataDir);
    expect(linesOf(dataDir)).toContain("entry 100 of the log");
    expect(await read()).toBe(samples);
    await revoke();
    expect(await read()).toBe("CONSENT_REQUIRED");
    expect((await fetch(`${server.http}/log/tile/0/000`)).ok).toBe(true);
    expect((await fetch(`${server.http}/log/tile/entries/000`)).ok).toBe(false);
    expect(await server.stop()).toBe(0);
  });

  test("the stored tree: the exchange starts, signs nothing, stops reads and never a revocation; repaired, every entry arrives", async () => {
    const dataDir = damaged((dir) => flip(dir, "log_state", "f_name = 'tree'", "frontier"));
    await start(dataDir);
    expect(linesOf(dataDir)).toContain("nothing confirms the stored tree");
    const published = await (await fetch(`${server.http}/log/checkpoint`)).text();
    await expect.poll(read, { timeout: 15_000 }).toBe("LOG_DAMAGED");
    await revoke();
    const { transport } = await personAt(server, personId);
    const { consent: revoked } = await createClient(ConsentService, transport).getConsent({ consent });
    expect(revoked?.revokeTime).toBeDefined();
    expect(await (await fetch(`${server.http}/log/checkpoint`)).text()).toBe(published);
    expect(await server.stop()).toBe(0);

    const repaired = await wellapi(dataDir, "audit", "repair");
    expect([repaired.exit, repaired.out]).toEqual([0, expect.stringContaining("tree was made again")]);
    await start(dataDir);
    const audit = createClient(AuditService, (await personAt(server, personId)).transport);
    const revocations = async () => {
      const { accesses } = await audit.listAccesses({ pageSize: 50 });
      return accesses.filter(({ access, index }) => access?.method.endsWith("/RevokeConsent") && index >= 0n)
        .length;
    };
    await expect.poll(revocations, { timeout: 15_000 }).toBe(1);
    expect(await read()).toBe("CONSENT_REQUIRED");
    expect(await server.stop()).toBe(0);
  });
});
