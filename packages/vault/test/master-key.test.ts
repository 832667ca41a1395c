import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { openSqliteStore } from "@wellapi/store";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  addMasterKey,
  createKeyRepository,
  openLocalKms,
  openVault,
  retireMasterKeys,
  rewrapPatientKeys,
  vaultCollections,
} from "../src/index.ts";

const patients = 300;
const partitionOf = (i: number) => `local/pat_${i}`;
const plaintext = new TextEncoder().encode("heart rate 61");

describe("the master key is replaced", () => {
  let folder: string;
  const path = (name: string) => join(folder, name);
  const openStore = () =>
    openSqliteStore({ thread: "callers", path: path("keys.db"), collections: vaultCollections });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wellapi-master-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** What is sealed for each patient, under the key as it is now. */
  async function seal(count: number): Promise<Uint8Array[]> {
    const [kms, store] = [await openLocalKms({ path: path("master.key") }), await openStore()];
    const vault = await openVault({ store, kms });
    const sealed = await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        await vault.create(partitionOf(i), "data");
        return (await vault.key(partitionOf(i), "data")).seal("context", plaintext);
      }),
    );
    await vault.close();
    await store.close();
    return sealed;
  }

  async function opens(sealed: readonly Uint8Array[], masterKey = path("master.key")): Promise<number> {
    const [kms, store] = [await openLocalKms({ path: masterKey }), await openStore()];
    const vault = await openVault({ store, kms });
    const outcomes = await Promise.allSettled(
      sealed.map(async (box, i) => (await vault.key(partitionOf(i), "data")).open("context", box)),
    );
    await vault.close();
    await store.close();
    return outcomes.filter((one) => one.status === "fulfilled" && Buffer.compare(one.value, plaintext) === 0)
      .length;
  }

  async function wrappedOf(partition: string): Promise<Uint8Array> {
    const store = await openStore();
    const [key] = await createKeyRepository(store).find(partition, "data");
    await store.close();
    return key!.wrapped;
  }

  test("and every key wrapped anew; the one before opens nothing any more, and no file holds what it wrapped", async () => {
    const sealed = await seal(20);
    const before = await wrappedOf(partitionOf(7));
    await copyFile(path("master.key"), path("stolen.key"));
    const derived = await (await openLocalKms({ path: path("master.key") })).derive("pairwise");

    expect(await addMasterKey({ path: path("master.key") })).toBe(1);
    expect(
      await addMasterKey({ path: path("master.key") }),
      "a rotation that is under way adds no third",
    ).toBe(1);
    expect((await stat(path("master.key"))).mode & 0o077).toBe(0);
    expect(await opens(sealed), "before anything is wrapped anew").toBe(20);

    const kms = await openLocalKms({ path: path("master.key") });
    const store = await openStore();
    expect(await rewrapPatientKeys({ store, kms })).toBe(20);
    expect(await rewrapPatientKeys({ store, kms })).toBe(0);
    await store.close();
    for (const name of ["keys.db", "keys.db-wal"]) {
      const bytes = await readFile(path(name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(Buffer.from(before)), name).toBe(false);
    }
    expect(await opens(sealed, path("stolen.key"))).toBe(0);

    expect(await retireMasterKeys({ path: path("master.key") })).toEqual([0]);
    expect(await opens(sealed)).toBe(20);
    const after = await openLocalKms({ path: path("master.key") });
    expect(await after.derive("pairwise"), "ids of patients stay").toEqual(derived);
    await expect(after.unwrap(before, "any")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("though it is killed in the middle, more than once", async () => {
    const sealed = await seal(patients);
    await addMasterKey({ path: path("master.key") });
    // Dies by SIGKILL after so many of its commits were sent to the disk; 0: never.
    const program = `
      import { openSqliteStore } from "@wellapi/store";
      import { openLocalKms, rewrapPatientKeys, vaultCollections } from "@wellapi/vault";
      const [path, keys, most] = process.argv.slice(1);
      const store = await openSqliteStore({ thread: "callers", path: keys, collections: vaultCollections });
      let commits = 0;
      const dying = { ...store, async commit(commit) {
        const result = await store.commit(commit);
        if (++commits === Number(most)) process.kill(process.pid, "SIGKILL");
        return result;
      } };
      const count = await rewrapPatientKeys({ store: dying, kms: await openLocalKms({ path }) });
      process.stdout.write(String(count));
      await store.close();`;
    const run = async (most: number) => {
      const args = ["--input-type=module", "-e", program, path("master.key"), path("keys.db"), String(most)];
      const child = spawn(process.execPath, args, {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [count, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      return { count: Number(count), how: signal ?? code };
    };
    for (const most of [1, 100]) {
      expect(await run(most)).toMatchObject({ how: "SIGKILL" });
      expect(await opens(sealed), `killed after ${most} commits`).toBe(patients);
    }
    const last = await run(0);
    expect(last.how).toBe(0);
    expect(last.count, "what was wrapped before is not wrapped again").toBeLessThanOrEqual(patients - 101);
    await retireMasterKeys({ path: path("master.key") });
    expect(await opens(sealed)).toBe(patients);
  }, 120_000);
});
