import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  addMasterKey,
  copyMasterKey,
  isKeyFileSealed,
  openLocalKms,
  retireMasterKeys,
} from "../src/index.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wellapi-passphrase-"));
  path = join(folder, "master.key");
});
afterEach(() => rm(folder, { recursive: true }));

const key = new Uint8Array(32).fill(9);
const passphrase = "six words that nobody ever guesses";

test("a file that is made with a passphrase is sealed, and opens with it alone", async () => {
  const first = await openLocalKms({ path, passphrase });
  const [wrapped, derived] = [await first.wrap(key, "context"), await first.derive("pairwise")];
  expect(await isKeyFileSealed(path)).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const again = await openLocalKms({ path, passphrase });
  expect(await again.unwrap(wrapped, "context")).toEqual(key);
  expect(await again.derive("pairwise")).toEqual(derived);

  const sealed = { code: "invalid", message: expect.stringContaining("passphrase") };
  await expect(openLocalKms({ path })).rejects.toMatchObject(sealed);
  await expect(openLocalKms({ path, passphrase: `${passphrase} ` })).rejects.toMatchObject(sealed);
});

test("a passphrase opens however it was typed: its letters count, not their bytes", async () => {
  await openLocalKms({ path, passphrase: "sechs W\u00f6rter, die niemand r\u00e4t" });
  await openLocalKms({ path, passphrase: "sechs Wo\u0308rter, die niemand ra\u0308t" });
});

test("a changed byte of the salt, the costs or the content does not open", async () => {
  await openLocalKms({ path, passphrase });
  const file = JSON.parse(await readFile(path, "utf8"));
  const flipped = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
  for (const changed of [
    { ...file, salt: flipped(file.salt) },
    { ...file, sealed: flipped(file.sealed) },
    { ...file, kdf: { ...file.kdf, p: 2 } },
  ]) {
    await writeFile(path, JSON.stringify(changed), { mode: 0o600 });
    await expect(openLocalKms({ path, passphrase })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("does not open"),
    });
  }
});

test("costs that would take a machine's memory, or too few, are refused before they are paid", async () => {
  await openLocalKms({ path, passphrase });
  const file = JSON.parse(await readFile(path, "utf8"));
  expect(file.kdf).toEqual({ name: "scrypt", N: 131_072, r: 8, p: 1 });
  const others = [
    { N: 2 ** 21 },
    { N: 2 ** 16 },
    { N: 2 ** 17 + 1 },
    { r: 9 },
    { p: 5 },
    { p: 0 },
    { name: "pbkdf2" },
  ];
  for (const other of others) {
    await writeFile(path, JSON.stringify({ ...file, kdf: { ...file.kdf, ...other } }), { mode: 0o600 });
    await expect(openLocalKms({ path, passphrase }), JSON.stringify(other)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("damaged"),
    });
  }
});

test("a short passphrase seals nothing", async () => {
  await expect(openLocalKms({ path, passphrase: "fifteen letters" })).rejects.toMatchObject({
    code: "invalid",
    message: expect.stringContaining("16 characters"),
  });
  expect(await isKeyFileSealed(path)).toBeUndefined();
});

test("a file that is not sealed is not taken for one that is", async () => {
  await openLocalKms({ path });
  await expect(openLocalKms({ path, passphrase })).rejects.toMatchObject({
    code: "invalid",
    message: expect.stringContaining("not sealed"),
  });
});

test("a rotation leaves a sealed file sealed", async () => {
  const before = await openLocalKms({ path, passphrase });
  const wrapped = await before.wrap(key, "context");
  expect(await addMasterKey({ path, passphrase })).toBe(1);
  const between = await openLocalKms({ path, passphrase });
  expect(await between.rewrap(wrapped, "context")).toBeDefined();
  expect(await retireMasterKeys({ path, passphrase })).toEqual([0]);
  expect(await isKeyFileSealed(path)).toBe(true);
});

test("a copy holds the same keys, and is sealed as asked", async () => {
  const to = join(folder, "copy.key");
  const wrapped = await (await openLocalKms({ path })).wrap(key, "context");
  await addMasterKey({ path });
  await copyMasterKey({ path }, { path: to, passphrase });
  const copy = await openLocalKms({ path: to, passphrase });
  expect(await copy.unwrap(wrapped, "context")).toEqual(key);
  expect(await copy.unwrap(await copy.wrap(key, "x"), "x")).toEqual(key);
  // Again, as after a crash; and back in clear, over itself.
  await copyMasterKey({ path }, { path: to, passphrase });
  await copyMasterKey({ path: to, passphrase }, { path: to });
  expect(await readFile(to)).toEqual(await readFile(path));
});

test("a file with another key, or with a newer one, is not overwritten", async () => {
  const to = join(folder, "other.key");
  await openLocalKms({ path });
  await openLocalKms({ path: to });
  await expect(copyMasterKey({ path }, { path: to })).rejects.toMatchObject({
    code: "invalid",
    message: expect.stringContaining("another master key"),
  });
  await rm(to);
  await copyMasterKey({ path }, { path: to });
  await addMasterKey({ path: to });
  const newer = await readFile(to);
  const refused = { code: "invalid", message: expect.stringContaining("newer key") };
  await expect(copyMasterKey({ path }, { path: to })).rejects.toMatchObject(refused);
  // Nor is the older one taken for the one in use.
  await expect(copyMasterKey({ path: to }, { path }, "to")).rejects.toMatchObject(refused);
  await copyMasterKey({ path }, { path: to }, "to");
  expect(await readFile(to)).toEqual(newer);
});
