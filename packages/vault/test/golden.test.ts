import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createPairwise, openLocalKms } from "../src/index.ts";
import { createPatientKey } from "../src/patient-key.ts";

// What an earlier program has sealed, wrapped or given out: where one of these fails, stored data opens no more.

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
const unhex = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (some: Uint8Array) => Buffer.from(some).toString("hex");

test("what was sealed before opens, and macs stay what they were", () => {
  const key = createPatientKey("local/pat_1", "data", [{ version: 1, bytes: Uint8Array.from(bytes) }]);
  const sealed = unhex(
    "01000000019e9d10b48ef907db917bfbf2a6efa5c3acf58481608c8b83bc78af3a122aa5a193d86deb34d75aac6e",
  );
  expect(Buffer.from(key.open("block/1", sealed)).toString()).toBe("heart rate 61");
  expect(hex(key.mac("digest", Buffer.from("heart rate 61")))).toBe(
    "511f1d235f34f3c71725824cdae17e1a87b8ecc5737c7e84b06d8309a311e573",
  );
});

test("pairwise ids that were given out mean the same patient", () => {
  const pairwise = createPairwise({ secret: bytes });
  expect(pairwise.inward("org_a", "pat", "pat_3fc3fjvxy9rfe1emxdfk822s7t")).toBe(
    "pat_00000000000000000000000001",
  );
  expect(pairwise.outward("installation", "bat_7zzzzzzzzzzzzzzzzzzzzzzzzz")).toBe(
    "bat_4qd29qh7vschaqqm3sr1awj3ew",
  );
});

async function kmsOf(file: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), "wellapi-golden-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "master.key");
  await writeFile(path, file, { mode: 0o600 });
  return openLocalKms({ path });
}

test("what a master key has wrapped before unwraps, and derives the same", async () => {
  const wrapped = unhex(
    "0103855cabee2563cb96e8d3ae3a622472e85b5a1c5dac278ad449c903e138a660b3b9ab52b03d262928b7195fba5f8dbfa3dfacbbd9fa4340883fd026",
  );
  const kms = await kmsOf(bytes);
  expect(await kms.unwrap(wrapped, "context")).toEqual(new Uint8Array(32).fill(9));
  expect(hex(await kms.derive("pairwise"))).toBe(
    "679262c37ce1eeebbc238b84e6ddf17172d1d718399519b168de2dd07277954e",
  );
});

test("what the seventh master key of a file has wrapped before unwraps", async () => {
  const wrapped = unhex(
    "02000000079fcf44783e63d7fc736892a57fd6e4e0d192c87d795760ea1bf92a8898cc59374bc4b05a996ab1331c05a84502488481a0029edef4b5f52ca193e535",
  );
  const kms = await kmsOf(Buffer.concat([bytes, Uint8Array.of(0, 0, 0, 7), Buffer.alloc(32, 5)]));
  expect(await kms.unwrap(wrapped, "context")).toEqual(new Uint8Array(32).fill(9));
});
