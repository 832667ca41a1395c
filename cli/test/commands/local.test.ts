import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openFolder, wellapi } from "./world.ts";

// What works on a folder of this machine: the same code as in a server's process, run here.

test("a rotation without a key says what is missing, and makes none", async () => {
  const data = openFolder();
  const { code, out, err } = await wellapi(["master-key", "rotate"], { env: { WELLAPI_DATA_DIR: data } });
  expect([code === 0, out]).toEqual([false, ""]);
  expect(err).toContain("master.key");
  expect(readdirSync(data)).toEqual([]);
  mkdirSync(`${data}/keys`);
  const key = Buffer.alloc(32, 7).toString("base64");
  writeFileSync(`${data}/keys/master.key`, key, { mode: 0o600 });
  const alone = await wellapi(["master-key", "rotate", "--json"], { env: { WELLAPI_DATA_DIR: data } });
  expect(JSON.parse(alone.err)).toMatchObject({
    error: { message: expect.stringContaining("patient-keys.db") },
  });
  expect(readFileSync(`${data}/keys/master.key`, "utf8")).toBe(key);
});

test("checks a folder that holds nothing as what it is", async () => {
  const missing = `${openFolder()}/none`;
  const { code, err } = await wellapi(["check", "--data", missing]);
  expect(code).not.toBe(0);
  expect(err).toContain(missing);
  expect(existsSync(missing)).toBe(false);
});

test("backs up nothing where there is nothing, and restores over nothing that is there", async () => {
  const folder = openFolder();
  const env = { WELLAPI_DATA_DIR: `${folder}/data` };
  const backup = await wellapi(["backup", `${folder}/backup`], { env });
  expect([backup.code === 0, backup.out]).toEqual([false, ""]);
  expect(backup.err).not.toBe("");
  mkdirSync(`${folder}/data`);
  writeFileSync(`${folder}/data/records.db`, "mine");
  const restored = await wellapi(["restore", `${folder}/backup`], { env });
  expect([restored.code === 0, restored.out]).toEqual([false, ""]);
  expect(readFileSync(`${folder}/data/records.db`, "utf8")).toBe("mine");
});
