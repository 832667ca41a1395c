import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { grant } from "@wellapi/demo/consents";
import { contribute } from "@wellapi/demo/contribution";
import { companyAt, enrolCompany, enrolPerson } from "@wellapi/demo/people";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type CheckReport, type FileFinding, runCheck } from "@wellapi/host";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));
const name = "Ada Lovelace-Canary";

/** `wellapi check`, as it is typed. */
async function check(dataDir: string, ...more: string[]) {
  const child = spawn(process.execPath, [main, "check", "--data", dataDir, ...more], {
    env: { ...process.env, WELLAPI_JOURNAL_DIR: join(dataDir, "journal") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: code as number | null, out, err };
}

async function checkHere(dataDir: string): Promise<{ report: CheckReport; findings: FileFinding[] }> {
  const findings: FileFinding[] = [];
  const env = { WELLAPI_DATA_DIR: dataDir, WELLAPI_JOURNAL_DIR: join(dataDir, "journal") };
  const report = await runCheck({ env, onFinding: (finding) => findings.push(finding) });
  return { report, findings };
}

/** Changes one row of a file that nobody has open, behind everybody's back. */
function corrupt(path: string, collection: string, where: string, change: (document: Buffer) => void): void {
  const database = new DatabaseSync(path);
  try {
    const row = database.prepare(`SELECT rowid, document FROM c_${collection} WHERE ${where} LIMIT 1`).get();
    expect(row, `${collection} where ${where}`).toBeDefined();
    const document = Buffer.from(row!.document as Uint8Array);
    change(document);
    database.prepare(`UPDATE c_${collection} SET document = ? WHERE rowid = ?`).run(document, row!.rowid!);
  } finally {
    database.close();
  }
}

/** One bit in the middle of a field of bytes (BSON: its name, its length, a kind, the bytes). */
function flipIn(field: string) {
  return (document: Buffer) => {
    const at = document.indexOf(`\x05${field}\0`, 0, "latin1");
    expect(at, field).toBeGreaterThan(0);
    const start = at + field.length + 2;
    const length = document.readInt32LE(start);
    document[start + 5 + (length >> 1)]! ^= 8;
  };
}

/** A whole data folder, made by the real services, of which each case damages a copy. */
describe("wellapi check", { timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  const whole = join(folder.path, "whole");
  let cases = 0;
  let counted: CheckReport;
  let server: Server;

  const copy = () => {
    const to = join(folder.path, `case${++cases}`);
    cpSync(whole, to, { recursive: true });
    return to;
  };

  beforeAll(async () => {
    const start = () => startServer({ dataDir: whole, env: { WELLAPI_COMPACT_AFTER_MS: "400" } });
    server = await start();
    const maker = await enrolCompany(server, "Maker");
    const clinic = await enrolCompany(server, "Clinic");
    const person = await enrolPerson(server, name);
    await grant(person, maker, Direction.CONTRIBUTE);
    const reading = await grant(person, clinic, Direction.READ);
    const makers = createClient(ConsentService, maker.transport);
    const patient = (await makers.listConsents({})).consents[0]!.patient;
    const parcel = { patient, code: "8867-4", unit: "/min", durationMs: 0 };
    await contribute(maker, undefined, [{ ...parcel, minutes: 3_000, from: "2026-05-01T08:00:00Z" }]);
    await vi.waitFor(() => expect(compactedBlocks(whole)).toBeGreaterThan(0), {
      timeout: 30_000,
      interval: 200,
    });
    const ingestion = createClient(IngestionService, maker.transport);
    const observations = [
      {
        code: { code: "8867-4" },
        effective: {
          case: "effectiveTime" as const,
          value: timestampFromMs(Date.parse("2026-05-02T00:00:00Z")),
        },
        utcOffsetMinutes: 0,
        value: { case: "quantity" as const, value: { value: "61", unit: "/min" } },
      },
    ];
    await ingestion.createObservations({ batch: { requestId: randomUUID(), patient, observations } });
    // Enough accesses for a full tile of the log.
    const persons = createClient(ConsentService, person.transport);
    for (let i = 0; i < 14; i++) {
      await Promise.all(Array.from({ length: 20 }, () => persons.listConsents({})));
    }
    await persons.revokeConsent({ consent: reading });
    // Whoever asks for a tile leaves it in the cache.
    await vi.waitFor(
      async () => expect((await fetch(`${server.http}/log/tile/0/000`)).ok).toBe(true),
      15_000,
    );
    // A block that is not compacted yet: on a machine that stalls before the stop, that of the next month is.
    for (let month = 6; ; month++) {
      const from = `2026-0${month}-01T08:00:00Z`;
      await contribute(companyAt(server, maker), undefined, [{ ...parcel, minutes: 30, from }]);
      expect(await server.stop()).toBe(0);
      if (hasOpenBlock(whole)) break;
      server = await start();
    }
    counted = (await checkHere(whole)).report;
  });

  afterAll(async () => {
    await server?.kill();
    folder.remove();
  });

  test("what the services wrote is whole, and every collection that they declared was visited", async () => {
    const { code, out } = await check(whole);
    expect(out.trim().split("\n").at(-1)).toMatch(/^whole: \d+ documents in 14 files$/);
    expect(code).toBe(0);
    const visited = counted.files
      .filter(({ file }) => file.endsWith(".db"))
      .map(({ file, collections }) => [file, Object.keys(collections).sort()]);
    const declared = databasesOf(whole).map(([file, path]) => [file, declaredIn(path)]);
    expect(new Map(visited as [string, string[]][])).toEqual(new Map(declared as [string, string[]][]));
    for (const [file, path] of databasesOf(whole)) {
      const { collections } = counted.files.find((one) => one.file === file)!;
      for (const [collection, { documents }] of Object.entries(collections)) {
        expect(documents, `${file} ${collection}`).toBe(rowsIn(path, collection));
      }
    }
  });

  const of = (file: string, collection?: string) => ({ file, ...(collection ? { collection } : {}) });
  const kinds: ReadonlyArray<[string, (dataDir: string) => void, object, RegExp]> = [
    [
      "a sealed block",
      (dir) => corrupt(join(dir, "records.db"), "blocks", "f_last_sequence IS NULL", flipIn("sealed")),
      of("records.db", "blocks"),
      /^one block of one patient's series: \d+ samples of code [0-9a-z]+ between 2026-0\S+ and 2026-0\S+$/,
    ],
    [
      "a compacted block",
      (dir) => corrupt(join(dir, "records.db"), "blocks", "f_last_sequence IS NOT NULL", flipIn("sealed")),
      of("records.db", "blocks"),
      /^one block of one patient's series: 3000 samples of code /,
    ],
    [
      "a field in clear beside a seal",
      (dir) => moveBlock(join(dir, "records.db")),
      of("records.db", "blocks"),
      /^the document cannot be read as it was written$/,
    ],
    [
      "a series",
      (dir) => corrupt(join(dir, "records.db"), "series", "true", flipIn("sealed")),
      of("records.db", "series"),
      /^one series of one patient/,
    ],
    [
      "a block of observations",
      (dir) => corrupt(join(dir, "records.db"), "observation_blocks", "true", flipIn("sealed")),
      of("records.db", "observation_blocks"),
      /^one block of one patient's observations: 1 observations/,
    ],
    [
      "a document's frame",
      (dir) =>
        corrupt(join(dir, "records.db"), "receipts", "true", (document) => {
          document[4]! ^= 0x40;
        }),
      of("records.db", "receipts"),
      /^the document cannot be read/,
    ],
    [
      "a patient's name",
      (dir) => corrupt(join(dir, "identity.db"), "patients", "true", flipIn("profile")),
      of("identity.db", "patients"),
      /^one patient has no name/,
    ],
    [
      "a key of the installation",
      (dir) => corrupt(join(dir, "identity.db"), "installation_keys", "true", flipIn("wrapped")),
      of("identity.db", "installation_keys"),
      /does not start/,
    ],
    [
      "a patient's wrapped key",
      (dir) =>
        corrupt(
          join(dir, "keys", "patient-keys.db"),
          "patient_keys",
          "f_use = 'data' AND f_version = 1",
          flipIn("wrapped"),
        ),
      of("keys/patient-keys.db", "patient_keys"),
      /^nothing of one patient can be read/,
    ],
    [
      "a sealed access",
      (dir) => corrupt(join(dir, "audit.db"), "accesses", "true", flipIn("sealed")),
      of("audit.db", "accesses"),
      /^one access of one patient cannot be shown/,
    ],
    [
      "an access's hash",
      (dir) => corrupt(join(dir, "audit.db"), "accesses", "true", flipIn("commitment")),
      of("audit.db", "accesses"),
      /cannot be proven/,
    ],
    [
      "an entry of the log",
      (dir) => corrupt(join(dir, "audit.db"), "log_entries", "f_index = 100", flipIn("entry")),
      of("audit.db"),
      /cannot be proven|could not be proven/,
    ],
    [
      "a tile",
      (dir) => flipFile(join(dir, "log", "tile", "0", "000"), 777),
      of("audit.db"),
      /^proofs over it do not verify; the entries themselves are whole$/,
    ],
    [
      "an entry of the journal",
      (dir) => corrupt(join(dir, "journal", "journal.db"), "journal_entries", "true", flipIn("mac")),
      of("journal.db", "journal_entries"),
      /may not be replayed after a restore/,
    ],
    [
      "what was published",
      (dir) => flipFile(join(dir, "journal", "log", "checkpoint"), 30),
      of("audit.db"),
      /audit does not start/,
    ],
    [
      "the master key",
      (dir) => flipFile(join(dir, "keys", "master.key"), 3),
      of("keys/master.key"),
      /none of it/,
    ],
    ["a file that is gone", (dir) => rmSync(join(dir, "consent.db")), of("consent.db"), /does not start/],
  ];

  test.each(kinds)("names %s, and counts the rest as whole", async (_kind, damage, where, means) => {
    const dataDir = copy();
    damage(dataDir);
    const { report, findings } = await checkHere(dataDir);
    const named = findings.filter((finding) => means.test(finding.means));
    expect(named[0], JSON.stringify(findings)).toMatchObject(where);
    // What else is said is said of the same file, or of what the key opens.
    expect(findings.filter(({ file }) => file !== (where as { file: string }).file)).toEqual([]);
    expect(findings.length).toBeLessThanOrEqual(2);
    for (const { remedy } of findings) expect(remedy.length).toBeGreaterThan(20);
    if (!(where as { file: string }).file.startsWith("consent"))
      expect(report.documents).toBe(counted.documents);
  });

  test("names a damaged page, and reads on behind it", async () => {
    const dataDir = copy();
    const path = join(dataDir, "audit.db");
    const database = new DatabaseSync(path);
    const page = database
      .prepare(
        "SELECT pageno FROM dbstat WHERE name = 'c_accesses' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 3",
      )
      .get()?.pageno as number | undefined;
    database.close();
    expect(page).toBeDefined();
    const content = readFileSync(path);
    content.fill(0xff, (page! - 1) * 4096, page! * 4096);
    writeFileSync(path, content);
    const { report, findings } = await checkHere(dataDir);
    expect(findings.some(({ what }) => what.startsWith("SQLite: "))).toBe(true);
    expect(findings.some(({ what }) => what.startsWith("a page of the file cannot be read"))).toBe(true);
    const read = report.files.find(({ file }) => file === "audit.db")!.collections.accesses!.documents;
    const before = counted.files.find(({ file }) => file === "audit.db")!.collections.accesses!.documents;
    expect(read).toBeGreaterThan(before / 2);
    expect(read).toBeLessThan(before);
    const other = (file: string) => report.files.find((one) => one.file === file)!.collections;
    expect(other("records.db")).toEqual(counted.files.find(({ file }) => file === "records.db")!.collections);
  });

  test("ends with 9, one finding a line as JSON, and says nothing of whom or what it is about", async () => {
    const dataDir = copy();
    corrupt(join(dataDir, "records.db"), "blocks", "true", flipIn("sealed"));
    corrupt(join(dataDir, "identity.db"), "patients", "true", flipIn("profile"));
    const json = await check(dataDir, "--json");
    expect(json.code).toBe(9);
    const lines = json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ file, collection }) => [file, collection])).toEqual([
      ["records.db", "blocks"],
      ["identity.db", "patients"],
      [undefined, undefined],
    ]);
    const people = await check(dataDir);
    expect(people.out.split("\n").at(-2)).toMatch(
      /^damaged: 2 findings, in records.db, identity.db; \d+ documents were read$/,
    );
    for (const said of [json.out, json.err, people.out, people.err]) {
      expect(said).not.toMatch(/Canary|8867-4|demo-|Maker|Clinic/);
    }
  });

  test("is refused while the exchange runs, and where there is none", async () => {
    const dataDir = copy();
    const running = await startServer({ dataDir });
    try {
      const refused = await check(dataDir);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain("stop it for the check");
    } finally {
      await running.stop();
    }
    expect((await check(join(folder.path, "nothing"))).err).toContain("holds no exchange");
  });
});

function flipFile(path: string, at: number): void {
  const content = readFileSync(path);
  content[at]! ^= 4;
  writeFileSync(path, content);
}

/** A start that differs in the index, by a flipped bit of the file: a query of the interval does not find it. */
function moveBlock(path: string): void {
  const database = new DatabaseSync(path);
  database.exec(
    "UPDATE c_blocks SET f_from_ms = f_from_ms + 4194304 WHERE rowid = (SELECT min(rowid) FROM c_blocks)",
  );
  database.close();
}

function databasesOf(dataDir: string): [file: string, path: string][] {
  return readdirSync(dataDir, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".db") && statSync(join(dataDir, path)).isFile())
    .map((path) => [path.replace("journal/", ""), join(dataDir, path)]);
}

function declaredIn(path: string): string[] {
  const database = new DatabaseSync(path);
  const rows = database.prepare("SELECT name FROM declared ORDER BY name").all();
  database.close();
  return rows.map((row) => String(row.name));
}

function rowsIn(path: string, collection: string): number {
  const database = new DatabaseSync(path);
  const row = database.prepare(`SELECT count(*) AS total FROM c_${collection}`).get();
  database.close();
  return Number(row?.total);
}

function hasOpenBlock(dataDir: string): boolean {
  const database = new DatabaseSync(join(dataDir, "records.db"));
  const open = database.prepare("SELECT rowid FROM c_blocks WHERE f_last_sequence IS NULL LIMIT 1").get();
  database.close();
  return open !== undefined;
}

/** In a file that a server has open: in its copy. None where the server wrote between the copies of both files, which then do not fit. */
function compactedBlocks(dataDir: string): number {
  const copied = join(dataDir, "..", `peek-${randomUUID()}.db`);
  for (const suffix of ["", "-wal"]) {
    try {
      cpSync(join(dataDir, `records.db${suffix}`), `${copied}${suffix}`);
    } catch {
      // No log yet.
    }
  }
  const database = new DatabaseSync(copied);
  try {
    return Number(database.prepare("SELECT count(f_last_sequence) AS total FROM c_blocks").get()?.total);
  } catch {
    return 0;
  } finally {
    database.close();
    rmSync(copied, { force: true });
  }
}
