/** Where the master key lies, and that moving it loses nothing, whenever it is cut short. */
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import fs, { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "@wellapi/runtime";
import { addMasterKey, type KeyFile, openLocalKms } from "@wellapi/vault";
import { describe, expect, onTestFinished, test } from "vitest";
import { prepareDataFolder } from "../src/data-folder.ts";
import { moveMasterKey } from "../src/master-key/move.ts";
import { openMasterKey, prepareMasterKey } from "../src/master-key/open.ts";
import { ensureInstallation, keyInFolder, masterKeyPath } from "../src/master-key/place.ts";
import { masterKeySettingsOf } from "../src/master-key/settings.ts";

const key = new Uint8Array(32).fill(9);
const passphrase = "six words that nobody ever guesses";

async function openFolders() {
  const root = await mkdtemp(join(tmpdir(), "wellapi-master-key-"));
  onTestFinished(() => rm(root, { recursive: true }));
  const dataDir = join(root, "data");
  const env: Record<string, string> = { WELLAPI_DATA_DIR: dataDir, XDG_CONFIG_HOME: join(root, "config") };
  const settings = (more: Record<string, string> = {}) =>
    parseConfig({ ...env, ...more }, masterKeySettingsOf);
  /** An installation of the version before, with a key that it has wrapped. */
  const before = async () => {
    await mkdir(join(dataDir, "keys"), { recursive: true });
    const kms = await openLocalKms({ path: keyInFolder(dataDir) });
    const wrapped = await kms.wrap(key, "context");
    return { wrapped, root: readFileSync(keyInFolder(dataDir)).subarray(0, 32) };
  };
  const passphraseFile = join(root, "passphrase");
  await writeFile(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
  return { root, dataDir, env, settings, before, passphraseFile };
}

/** The files below a folder that hold these bytes. */
function holding(folder: string, bytes: Buffer): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(bytes));
}

describe("the master key's file", () => {
  test("lies in the user's configuration folder, for the owner alone, apart for each data folder", async () => {
    const { root, settings } = await openFolders();
    const paths = await Promise.all(
      ["one", "two"].map(async (name) => {
        const folder = prepareDataFolder(join(root, name));
        const file = await prepareMasterKey(settings(), folder);
        await (await openMasterKey(file)).close();
        expect(await prepareMasterKey(settings(), folder)).toEqual(file);
        return (file as KeyFile).path;
      }),
    );
    expect(paths[0]).toMatch(/\/config\/wellapi\/ins_[0-9a-z]{26}\/master\.key$/);
    expect(paths[0]).not.toBe(paths[1]);
    expect(readFileSync(paths[0]!)).not.toEqual(readFileSync(paths[1]!));
    for (const path of paths) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
      expect(holding(join(root, path === paths[0] ? "one" : "two"), readFileSync(path))).toEqual([]);
    }
  });

  test.each([
    ["an absolute XDG_CONFIG_HOME", { XDG_CONFIG_HOME: "/etc/xdg", HOME: "/home/ada" }, "/etc/xdg"],
    ["no XDG_CONFIG_HOME", { XDG_CONFIG_HOME: "", HOME: "/home/ada" }, "/home/ada/.config"],
    [
      "a relative XDG_CONFIG_HOME, which counts for nothing",
      { XDG_CONFIG_HOME: "x", HOME: "/home/ada" },
      "/home/ada/.config",
    ],
  ])("with %s the folder is that of the specification", async (_name, env, configDir) => {
    expect((await openFolders()).settings(env).configDir).toBe(configDir);
  });

  test("is the one that the operator names, before every other", async () => {
    const { dataDir, settings, before } = await openFolders();
    await before();
    expect(masterKeyPath(settings(), dataDir)).toBe(keyInFolder(dataDir));
    const named = settings({ WELLAPI_MASTER_KEY_FILE: "/secure/master.key" });
    expect(masterKeyPath(named, dataDir)).toBe("/secure/master.key");
  });

  test("is never made anew where patients' keys are there already", async () => {
    const { dataDir, settings } = await openFolders();
    const folder = prepareDataFolder(dataDir);
    await writeFile(folder.keyStore, "keys");
    await expect(prepareMasterKey(settings(), folder)).rejects.toMatchObject({
      code: "keys_missing",
      message: expect.stringContaining("master.key"),
    });
  });

  test("says where it cannot be kept, and by which setting it is kept elsewhere", async () => {
    const { root, dataDir, settings } = await openFolders();
    await writeFile(join(root, "config"), "a file where the folder should be");
    await expect(prepareMasterKey(settings(), prepareDataFolder(dataDir))).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("WELLAPI_MASTER_KEY_FILE"),
    });
  });

  test("an installation id that would lead out of the folder is refused", async () => {
    const { dataDir, settings } = await openFolders();
    ensureInstallation(prepareDataFolder(dataDir).path);
    await writeFile(join(dataDir, "installation-id"), "../../somewhere\n");
    await expect(prepareMasterKey(settings(), prepareDataFolder(dataDir))).rejects.toMatchObject({
      code: "data_folder",
    });
  });

  test("is sealed by the passphrase of a file that nobody else can read", async () => {
    const { dataDir, settings, passphraseFile } = await openFolders();
    const folder = prepareDataFolder(dataDir);
    const sealing = settings({ WELLAPI_MASTER_PASSPHRASE_FILE: passphraseFile });
    const file = await prepareMasterKey(sealing, folder);
    await (await openMasterKey(file)).close();
    await expect(prepareMasterKey(settings(), folder)).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("WELLAPI_MASTER_PASSPHRASE_FILE"),
    });
    await writeFile(passphraseFile, "another passphrase than before\n");
    await expect(openMasterKey(await prepareMasterKey(sealing, folder))).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("does not open"),
    });
    await fs.chmod(passphraseFile, 0o640);
    await expect(prepareMasterKey(sealing, folder)).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("chmod 600"),
    });
  });
});

describe("moving it", () => {
  test("leaves no copy in the data folder, not even one of before a rotation", async () => {
    const { dataDir, env, settings, before } = await openFolders();
    const { wrapped, root } = await before();
    await writeFile(`${keyInFolder(dataDir)}.retired-1`, root, { mode: 0o600 });
    await writeFile(`${keyInFolder(dataDir)}.0123456789abcdef`, root, { mode: 0o600 });
    const moved = await moveMasterKey({ env });
    expect(moved).toEqual({
      from: keyInFolder(dataDir),
      to: masterKeyPath(settings(), dataDir),
      sealed: false,
      setting: undefined,
    });
    expect(moved.to).toContain("/config/wellapi/ins_");
    expect(await (await openLocalKms({ path: moved.to })).unwrap(wrapped, "context")).toEqual(key);
    expect(holding(dataDir, root)).toEqual([]);
    expect(readFileSync(`${moved.to}.retired-1`)).toEqual(root);
    expect(readdirSync(join(dataDir, "keys"))).toEqual([]);
    expect(await moveMasterKey({ env })).toEqual({ ...moved, from: moved.to });
  });

  test("to a file of one's choice says with which setting it is found, and to one in the folder is refused", async () => {
    const { root, dataDir, env, before } = await openFolders();
    const { wrapped } = await before();
    const inside = moveMasterKey({ env, to: join(dataDir, "elsewhere", "master.key") });
    await expect(inside).rejects.toMatchObject({ code: "master_key" });
    const to = join(root, "usb", "master.key");
    expect((await moveMasterKey({ env, to })).setting).toBe(`WELLAPI_MASTER_KEY_FILE=${to}`);
    const again = await moveMasterKey({ env: { ...env, WELLAPI_MASTER_KEY_FILE: to } });
    expect([again.from, again.to, again.setting]).toEqual([to, to, undefined]);
    expect(await (await openLocalKms({ path: to })).unwrap(wrapped, "context")).toEqual(key);
  });

  test("seals it, also where it is, and with a new passphrase", async () => {
    const { root, env, before, passphraseFile } = await openFolders();
    const { wrapped, root: bytes } = await before();
    const moved = await moveMasterKey({ env, seal: { file: passphraseFile } });
    expect(moved.sealed).toBe(true);
    expect(holding(root, bytes)).toEqual([]);
    const other = join(root, "another");
    await writeFile(other, "seven words that nobody ever guesses", { mode: 0o600 });
    const opening = { ...env, WELLAPI_MASTER_PASSPHRASE_FILE: passphraseFile };
    await moveMasterKey({ env: opening, seal: { file: other } });
    await expect(openLocalKms({ path: moved.to, passphrase })).rejects.toMatchObject({ code: "invalid" });
    const kms = await openLocalKms({ path: moved.to, passphrase: "seven words that nobody ever guesses" });
    expect(await kms.unwrap(wrapped, "context")).toEqual(key);
  });

  test("a named file that leads to the one in the folder becomes a file of its own", async () => {
    const { root, dataDir, env, before } = await openFolders();
    const { wrapped, root: bytes } = await before();
    const link = join(root, "link.key");
    symlinkSync(keyInFolder(dataDir), link);
    await moveMasterKey({ env: { ...env, WELLAPI_MASTER_KEY_FILE: link } });
    expect(holding(dataDir, bytes)).toEqual([]);
    expect(await (await openLocalKms({ path: link })).unwrap(wrapped, "context")).toEqual(key);
  });

  test("the file in the folder stays where it holds a newer key than the one in use, or another", async () => {
    const { root, dataDir, env, before } = await openFolders();
    await before();
    const named = join(root, "named.key");
    const using = { ...env, WELLAPI_MASTER_KEY_FILE: named };
    await fs.copyFile(keyInFolder(dataDir), named);
    await addMasterKey({ path: keyInFolder(dataDir) });
    await expect(moveMasterKey({ env: using })).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("newer key"),
    });
    await rm(named);
    await (await openLocalKms({ path: named })).close();
    await expect(moveMasterKey({ env: using })).rejects.toMatchObject({
      code: "master_key",
      message: expect.stringContaining("another master key"),
    });
    expect(existsSync(keyInFolder(dataDir))).toBe(true);
  });

  test("cut short at any of its writes, leaves a key that opens, and completes when it is run again", async () => {
    let steps = 0;
    for (let cut = 1; steps === 0; cut++) {
      const { dataDir, env, settings, before } = await openFolders();
      const { wrapped, root } = await before();
      await addMasterKey({ path: keyInFolder(dataDir) });
      await writeFile(`${keyInFolder(dataDir)}.retired-1`, root, { mode: 0o600 });
      if (await cutAfter(cut, () => moveMasterKey({ env }))) steps = cut;

      const found = masterKeyPath(settings(), dataDir)!;
      expect(await (await openLocalKms({ path: found })).unwrap(wrapped, "context"), `cut ${cut}`).toEqual(
        key,
      );
      await moveMasterKey({ env });
      const after = masterKeyPath(settings(), dataDir)!;
      expect(after, `cut ${cut}`).toContain("/config/");
      expect(await (await openLocalKms({ path: after })).unwrap(wrapped, "context"), `cut ${cut}`).toEqual(
        key,
      );
      expect(holding(dataDir, root), `cut ${cut}`).toEqual([]);
      expect(readFileSync(`${after}.retired-1`)).toEqual(root);
    }
    // Drafts, syncs, renames, overwrites and removals of both files.
    expect(steps).toBeGreaterThan(20);
  }, 60_000);
});

/**
 * Runs the work as a process that is killed before its n-th write would: nothing of it goes on, not even what it would
 * tidy up. True where it came to its end before.
 */
async function cutAfter(writes: number, work: () => Promise<unknown>): Promise<boolean> {
  const handle = await fs.open("/dev/null");
  const handles = Object.getPrototypeOf(handle) as Record<string, (...args: unknown[]) => unknown>;
  await handle.close();
  const module = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const restore: Array<() => void> = [];
  const killed = Promise.withResolvers<boolean>();
  const opened: fs.FileHandle[] = [];
  let left = writes;
  for (const [owner, name] of [
    ...["open", "rename", "unlink"].map((name) => [module, name] as const),
    ...["sync", "write", "writeFile"].map((name) => [handles, name] as const),
  ]) {
    const real = owner[name]!;
    restore.push(() => {
      owner[name] = real;
    });
    owner[name] = function (this: unknown, ...args: unknown[]) {
      left -= 1;
      if (left > 0) {
        const result = real.apply(this, args) as Promise<unknown>;
        if (name === "open") result.then((file) => opened.push(file as fs.FileHandle)).catch(() => {});
        return result;
      }
      killed.resolve(false);
      return new Promise(() => {});
    };
  }
  syncBuiltinESMExports();
  try {
    return await Promise.race([work().then(() => true), killed.promise]);
  } finally {
    for (const one of restore) one();
    syncBuiltinESMExports();
    // The kernel closes the files of a process that was killed.
    for (const file of opened) await file.close();
  }
}
