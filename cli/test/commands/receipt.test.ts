import { writeFileSync } from "node:fs";
import { openReceiptKey } from "@wellapi/receipts";
import { expect, test } from "vitest";
import { openFolder, wellapi } from "./world.ts";

const keyOf = (byte: number) => openReceiptKey({ derive: async () => new Uint8Array(32).fill(byte) });

async function openReceipt() {
  const key = await keyOf(1);
  const jws = await key.sign("wellapi-erasure-receipt+jwt", { patient: "pat_1", key_ids: ["key_1"] });
  const keys = `${openFolder()}/keys.json`;
  writeFileSync(keys, JSON.stringify(key.jwks));
  return { jws, keys };
}

test("verifies the receipt that `wellapi erase` printed last, from standard input", async () => {
  const { jws, keys } = await openReceipt();
  const stdin = `era_1: key_1 destroyed\n${jws}\n`;
  expect(await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin })).toEqual({
    code: 0,
    out: "VERIFIED\n  kind: wellapi-erasure-receipt+jwt\n  patient: pat_1\n  key_ids: key_1",
    err: "",
  });
  const json = await wellapi(["receipt", "verify", "-", "--keys", keys, "--json"], { stdin });
  expect(JSON.parse(json.out)).toEqual({
    kind: "wellapi-erasure-receipt+jwt",
    patient: "pat_1",
    key_ids: ["key_1"],
  });
});

test("names the kind of the receipt, whatever its claims are called, and verifies no other where one is wanted", async () => {
  const { keys } = await openReceipt();
  const kind = "wellapi-consent-receipt+jwt";
  const stdin = await (await keyOf(1)).sign(kind, { kind: "wellapi-erasure-receipt+jwt", sub: "pat_1" });
  const verify = ["receipt", "verify", "-", "--keys", keys];
  const json = JSON.parse((await wellapi([...verify, "--json"], { stdin })).out);
  expect(json).toEqual({ kind, sub: "pat_1" });
  expect((await wellapi([...verify, "--kind", "consent"], { stdin })).out).toBe(
    `VERIFIED\n  kind: ${kind}\n  sub: pat_1`,
  );
  expect(await wellapi([...verify, "--kind", "erasure"], { stdin })).toMatchObject({
    code: 9,
    out: "",
    err: expect.stringContaining("NOT VERIFIED"),
  });
  expect(await wellapi([...verify, "--kind", "batch"], { stdin })).toMatchObject({ code: 2 });
});

test("verifies a receipt of a consent, and shows what it says", async () => {
  const { keys } = await openReceipt();
  const claims = {
    record_id: "con_1.1",
    event: { type: "consent_given" },
    purposes: ["treatment", "research"],
  };
  const stdin = await (await keyOf(1)).sign("wellapi-consent-receipt+jwt", claims);
  expect((await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin })).out).toBe(
    'VERIFIED\n  kind: wellapi-consent-receipt+jwt\n  record_id: con_1.1\n  event: {"type":"consent_given"}\n  purposes: treatment,research',
  );
  const other = stdin.replace(/.(?=[^.]*\.[^.]*$)/, (letter) => (letter === "A" ? "B" : "A"));
  expect(await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin: other })).toMatchObject({
    code: 9,
  });
});

test.each([
  ["changed", (jws: string) => jws.replace(/\.[^.]+\./, ".eyJwYXRpZW50IjoicGF0XzIifQ.")],
  ["nothing", () => ""],
])("a receipt that is %s does not verify", async (_name, change) => {
  const { jws, keys } = await openReceipt();
  const outcome = await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin: change(jws) });
  expect(outcome).toMatchObject({ code: 9, out: "", err: expect.stringContaining("NOT VERIFIED") });
});

test("a receipt of another installation does not verify", async () => {
  const { jws, keys } = await openReceipt();
  writeFileSync(keys, JSON.stringify((await keyOf(2)).jwks));
  expect((await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin: jws })).code).toBe(9);
});

test("keys that are none are the caller's mistake", async () => {
  const { jws, keys } = await openReceipt();
  writeFileSync(keys, "no keys");
  expect(await wellapi(["receipt", "verify", "-", "--keys", keys], { stdin: jws })).toMatchObject({
    code: 2,
    err: expect.stringContaining("wellapi receipt keys"),
  });
});
