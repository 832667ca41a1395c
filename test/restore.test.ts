import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { connect, describeSteps, trustedKeys, verifyLogGrowth } from "@wellapi/client";
import { type Server, startServer, temporaryFolder } from "@wellapi/demo/server";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { type Manifest, openExchange, parseExchangeConfig, runRestore } from "@wellapi/host";
import { silentLogger } from "@wellapi/runtime";
import { openSqliteStore } from "@wellapi/store";
import { createKeyRepository, vaultCollections } from "@wellapi/vault";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beforeRevocations, openScene } from "./restore-scene.ts";

const main = fileURLToPath(import.meta.resolve("@wellapi/cli/main"));

// Steps of one story, each on what the one before it left.
describe("a restore from backup undoes no revocation and no erasure", () => {
  const folder = temporaryFolder();
  const path = (...names: string[]) => join(folder.path, ...names);
  const journal = path("apart");
  let server: Server | undefined;
  const checkpoints = { early: "", late: "" };
  let pinned = "";
  let scene: Awaited<ReturnType<typeof openScene>>;

  async function run(parameters: readonly string[], more: Record<string, string> = {}) {
    const child = spawn(process.execPath, [main, ...parameters], {
      env: {
        ...process.env,
        WELLAPI_DATA_DIR: path("data"),
        WELLAPI_MASTER_KEY_FILE: path("data", "keys", "master.key"),
        WELLAPI_JOURNAL_DIR: journal,
        WELLAPI_GRPC_PORT: "0",
        WELLAPI_HTTP_PORT: "0",
        ...more,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err, [exit]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    return { exit: exit as number | null, out: out.trim(), err: err.trim() };
  }

  async function ok(...parameters: string[]): Promise<string> {
    const { exit, out, err } = await run(parameters);
    expect(`${exit} ${err}`, parameters.join(" ")).toMatch(/^0/);
    return out;
  }

  async function start(env: Record<string, string> = {}): Promise<Server> {
    server = await startServer({ dataDir: path("data"), env: { WELLAPI_JOURNAL_DIR: journal, ...env } });
    return server;
  }

  const auditOf = ({ http }: Server) => createClient(AuditService, connect({ url: http }));

  /** The log's head, once it has all that was sent to it. */
  async function settledCheckpoint(): Promise<string> {
    const audit = auditOf(server!);
    let last = "";
    await expect
      .poll(
        async () => {
          const before = last;
          last = (await audit.getCheckpoint({})).checkpoint;
          return last === before;
        },
        { interval: 600, timeout: 15_000 },
      )
      .toBe(true);
    return last;
  }

  async function stop(): Promise<void> {
    expect(await server?.stop()).toBe(0);
    server = undefined;
  }

  /** A start that must be refused; what it says. In this process, which is quicker. */
  async function refusal(): Promise<string> {
    const env = {
      WELLAPI_DATA_DIR: path("data"),
      WELLAPI_MASTER_KEY_FILE: path("data", "keys", "master.key"),
      WELLAPI_JOURNAL_DIR: journal,
      WELLAPI_GRPC_PORT: "0",
      WELLAPI_HTTP_PORT: "0",
    };
    const error: unknown = await openExchange(parseExchangeConfig(env), silentLogger).catch((one) => one);
    return (error as Error).message;
  }

  /** How many patients' keys of a copy open data, and how many are destroyed for ever. */
  async function keysIn(file: string): Promise<{ living: number; destroyed: number }> {
    cpSync(file, path("looked-at.db"));
    const store = await openSqliteStore({ path: path("looked-at.db"), collections: vaultCollections });
    const { documents } = await store.scan("patient_keys", { equals: [], limit: 1_000 });
    const keys = createKeyRepository(store);
    const partitions = new Set(
      documents.map(({ document }) => document.partition).filter((one) => one.includes("/")),
    );
    const count = { living: 0, destroyed: 0 };
    for (const partition of partitions) {
      await keys.find(partition, "data").then(
        () => count.living++,
        () => count.destroyed++,
      );
    }
    await store.close();
    rmSync(path("looked-at.db"));
    return count;
  }

  beforeAll(async () => {
    scene = await openScene(await start());
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  test("a running exchange is backed up; the backup has neither keys nor journal, and is its owner's alone", async () => {
    expect(await scene.look(server!)).toEqual(beforeRevocations);
    checkpoints.early = await settledCheckpoint();
    pinned = (await auditOf(server!).getCheckpoint({})).verifierKey;
    expect(await ok("backup", path("backup"))).toContain("backed up data");
    expect(await ok("backup", path("keys-backup"), "--keys")).toContain("backed up keys");
    expect(readdirSync(path("backup"), { recursive: true }).sort()).toEqual(
      [
        "installation-id",
        "manifest.json",
        ...["audit", "codes", "consent", "events", "identity", "notices", "records"].map(
          (name) => `${name}.db`,
        ),
        "reserves",
      ].sort(),
    );
    expect(readdirSync(path("keys-backup", "keys"))).toEqual(["patient-keys.db"]);
    expect(statSync(path("backup")).mode & 0o077).toBe(0);
    expect(statSync(path("backup", "records.db")).mode & 0o077).toBe(0);
    const master = readFileSync(path("data", "keys", "master.key"));
    for (const file of readdirSync(path("backup")).filter((name) => name.endsWith(".db"))) {
      expect(readFileSync(path("backup", file)).includes(master), file).toBe(false);
    }
    const again = await run(["backup", path("backup")]);
    expect(again).toMatchObject({ exit: 1, err: expect.stringContaining("not empty") });
  });

  test("a stopped one is, too", async () => {
    await scene.revoke();
    expect(await scene.look(server!)).toMatchObject({
      ada: "CONSENT_REQUIRED",
      credential: "Unauthenticated",
    });
    checkpoints.late = await settledCheckpoint();
    await stop();
    await ok("backup", path("stopped"));
    const manifest = JSON.parse(readFileSync(path("stopped", "manifest.json"), "utf8")) as Manifest;
    expect(manifest.checkpoint).toBe(checkpoints.late);
    expect(manifest.files.map(({ path: name }) => name)).toContain("records.db");
  });

  test("a restore takes an empty folder only, and a whole backup only", async () => {
    expect(await run(["restore", path("backup")])).toMatchObject({
      exit: 1,
      err: expect.stringContaining("not empty"),
    });
    renameSync(path("data"), path("lost"));

    cpSync(path("backup"), path("damaged"), { recursive: true });
    const file = path("damaged", "consent.db");
    const bytes = readFileSync(file);
    bytes[5_000]! ^= 1;
    writeFileSync(file, bytes);
    const restoreDamaged = () =>
      runRestore({ env: { WELLAPI_DATA_DIR: path("data") }, folder: path("damaged") });
    await expect(restoreDamaged()).rejects.toThrow("consent.db is not what was backed up");
    rmSync(path("damaged", "manifest.json"));
    await expect(restoreDamaged()).rejects.toThrow("cut short");
    expect(existsSync(path("data"))).toBe(false);
  });

  test("a start without the keys, or without the journal, is refused in one line that says what to do", async () => {
    expect(await ok("restore", path("backup"))).toContain(journal);
    expect(await refusal()).toMatch(/keys\/master\.key and keys\/patient-keys\.db: put back/);
    // Those of before the erasure: the journal knows that one of them is destroyed.
    await ok("restore", path("keys-backup"));
    cpSync(path("lost", "keys", "master.key"), path("data", "keys", "master.key"));
    expect(await keysIn(path("data", "keys", "patient-keys.db"))).toEqual({ living: 3, destroyed: 0 });
    renameSync(journal, path("journal-away"));
    // What was published of the log lay beside it, and is asked for first.
    const unknown = /WELLAPI_ACCEPT_LOG_BREAK=(\S+:unknown@\d+)/.exec(await refusal())!;
    const lost = await run(["start"], { WELLAPI_ACCEPT_LOG_BREAK: unknown[1]! });
    expect(lost).toMatchObject({ exit: 1, err: expect.stringContaining("put back the journal") });
    rmSync(journal, { recursive: true });
    renameSync(path("journal-away"), journal);
    // That start has declared a break, in the data only.
    for (const file of ["audit.db", "audit.db-wal"]) rmSync(path("data", file), { force: true });
    cpSync(path("backup", "audit.db"), path("data", "audit.db"));
  });

  test("a log that lacks what was published goes on by a declared break only, and verifiers are told", async () => {
    const named = /WELLAPI_ACCEPT_LOG_BREAK=(\S+:\d+@\d+)/.exec(await refusal());
    await start({ WELLAPI_ACCEPT_LOG_BREAK: named![1]! });
    const audit = auditOf(server!);
    const grown = await verifyLogGrowth(audit, checkpoints.early, pinned);
    expect(grown.to).toBeGreaterThanOrEqual(grown.from);
    await expect(verifyLogGrowth(audit, checkpoints.late, pinned)).rejects.toMatchObject({ code: "break" });
    const keys = await trustedKeys(audit, pinned);
    expect(describeSteps(keys).join("\n")).toMatch(
      /DECLARED BREAK: .* entries \d+ to \d+, .*, are lost\n! pin/,
    );
    writeFileSync(path("late.checkpoint"), checkpoints.late);
    const verify = ["audit", "verify", "--url", server!.http, "--verifier-key", pinned];
    const late = await run([...verify, "--since", path("late.checkpoint")]);
    expect(late).toMatchObject({ exit: 10, err: expect.stringContaining("DECLARED BREAK") });
  });

  test("what was revoked and erased since the backup is so at once; what was not, is as it was", async () => {
    expect(await scene.look(server!)).toEqual({
      cleo: beforeRevocations.cleo,
      ada: "CONSENT_REQUIRED",
      bob: "CONSENT_REQUIRED",
      credential: "Unauthenticated",
      orders: { cleo: 1, bob: "CONSENT_REQUIRED" },
    });
    await stop();
    // Not refused only: nothing opens it any more.
    expect(await keysIn(path("data", "keys", "patient-keys.db"))).toEqual({ living: 2, destroyed: 1 });
  });

  test("keys alone, of before an erasure, do not bring it back", async () => {
    rmSync(path("data", "keys", "patient-keys.db"));
    await ok("restore", path("keys-backup"));
    await start();
    await stop();
    expect(await keysIn(path("data", "keys", "patient-keys.db"))).toEqual({ living: 2, destroyed: 1 });
  });
}, 180_000);
