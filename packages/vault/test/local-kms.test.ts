import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addMasterKey, openLocalKms } from "../src/index.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wellapi-kms-"));
  path = join(folder, "master.key");
});
afterEach(() => rm(folder, { recursive: true }));

const key = new Uint8Array(32).fill(9);

test("the first start makes a key file for the owner alone, later starts use it", async () => {
  const first = await openLocalKms({ path });
  const wrapped = await first.wrap(key, "context");
  const derived = await first.derive("pairwise");
  await first.close();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["master.key"]);

  const second = await openLocalKms({ path });
  expect(await second.unwrap(wrapped, "context")).toEqual(key);
  expect(await second.derive("pairwise")).toEqual(derived);
});

test("two first starts at once agree on one key", async () => {
  const [a, b] = await Promise.all([openLocalKms({ path }), openLocalKms({ path })]);
  expect(await b.unwrap(await a.wrap(key, "context"), "context")).toEqual(key);
});

test("a wrapped key neither shows the key nor unwraps in another context or when changed", async () => {
  const kms = await openLocalKms({ path });
  const wrapped = await kms.wrap(key, "context");
  expect(Buffer.from(wrapped).includes(Buffer.from(key))).toBe(false);
  await expect(kms.unwrap(wrapped, "other")).rejects.toMatchObject({ code: "tampered" });
  for (let at = 0; at < wrapped.length; at++) {
    const changed = wrapped.with(at, wrapped[at]! ^ 1);
    await expect(kms.unwrap(changed, "context")).rejects.toMatchObject({ code: "tampered" });
  }
});

test("derived keys differ by label and are not the file's", async () => {
  const kms = await openLocalKms({ path });
  const derived = await kms.derive("a");
  expect(derived).toHaveLength(32);
  expect(derived).not.toEqual(await kms.derive("b"));
  expect(derived).not.toEqual(new Uint8Array(await readFile(path)));
});

test("a key file that others may read is refused with the remedy", async () => {
  await openLocalKms({ path });
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(path, mode);
    const opening = openLocalKms({ path });
    await expect(opening).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("chmod 600"),
    });
  }
});

test("a key file of another size is refused and left as it is", async () => {
  for (const size of [0, 31, 33]) {
    await writeFile(path, Buffer.alloc(size, 1), { mode: 0o600 });
    await expect(openLocalKms({ path })).rejects.toMatchObject({ code: "invalid" });
    expect(await readFile(path)).toEqual(Buffer.alloc(size, 1));
  }
});

test("a folder that is not there is unavailable", async () => {
  const opening = openLocalKms({ path: join(folder, "missing", "master.key") });
  await expect(opening).rejects.toMatchObject({ code: "unavailable" });
});

test("a closed KMS refuses, and calls nothing tampered that it can't open any more", async () => {
  const kms = await openLocalKms({ path });
  const wrapped = await kms.wrap(key, "context");
  await kms.close();
  await expect(kms.unwrap(wrapped, "context")).rejects.toMatchObject({ code: "unavailable" });
  await expect(kms.wrap(key, "context")).rejects.toMatchObject({ code: "unavailable" });
  await expect(kms.derive("pairwise")).rejects.toMatchObject({ code: "unavailable" });
});

test("only what has the length of a key is wrapped", async () => {
  const kms = await openLocalKms({ path });
  for (const length of [0, 16, 31, 33, 64]) {
    await expect(kms.wrap(new Uint8Array(length), "context")).rejects.toMatchObject({ code: "invalid" });
  }
});

test("bytes of any length that nobody wrapped do not unwrap", async () => {
  await openLocalKms({ path });
  await addMasterKey({ path });
  const kms = await openLocalKms({ path });
  const wrapped = await kms.wrap(key, "context");
  expect(await kms.unwrap(wrapped, "context")).toEqual(key);
  for (let length = 0; length < wrapped.length; length++) {
    await expect(kms.unwrap(wrapped.slice(0, length), "context")).rejects.toMatchObject({ code: "tampered" });
  }
  await expect(kms.rewrap(new Uint8Array(0), "context")).rejects.toMatchObject({ code: "tampered" });
});

test("a label is as long as a derivation takes it, or refused", async () => {
  const kms = await openLocalKms({ path });
  const rest = JSON.stringify(["wellapi/kms/derive/v1", ""]).length;
  expect(await kms.derive("x".repeat(1024 - rest))).toHaveLength(32);
  await expect(kms.derive("x".repeat(1025 - rest))).rejects.toMatchObject({ code: "invalid" });
});
