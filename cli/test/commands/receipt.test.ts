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
    out: "VERIFIED\n  patient: pat_1\n  key_ids: key_1",
    err: "",
  });
  const json = await wellapi(["receipt", "verify", "-", "--keys", keys, "--json"], { stdin });
  expect(JSON.parse(json.out)).toEqual({ patient: "pat_1", key_ids: ["key_1"] });
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
    'VERIFIED\n  record_id: con_1.1\n  event: {"type":"consent_given"}\n  purposes: treatment,research',
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
