import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "@wellapi/store";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import {
  addMasterKey,
  openLocalKms,
  openPkcs11Kms,
  openVault,
  retireMasterKeys,
  rewrapPatientKeys,
  vaultCollections,
} from "../src/index.ts";
import { describeKmsContract } from "./kms-contract.ts";
import { openSoftHsm } from "./softhsm.ts";

const folder = mkdtempSync(join(tmpdir(), "wellapi-kms-engines-"));
const hsm = await openSoftHsm();
afterAll(() => {
  rmSync(folder, { recursive: true });
  hsm?.remove();
});
let made = 0;

for (const [name, passphrase] of [
  ["a key file", undefined],
  ["a sealed key file", "six words that nobody ever guesses"],
] as const) {
  describeKmsContract(name, async () => {
    made += 1;
    const file = { path: join(folder, `${made}.key`), passphrase };
    return {
      open: () => openLocalKms(file),
      rotate: () => addMasterKey(file),
      retire: () => retireMasterKeys(file),
    };
  });
}

describe.skipIf(!hsm)("a token behind PKCS #11", () => {
  const { library, module, pin } = hsm ?? ({} as NonNullable<typeof hsm>);

  function newToken() {
    const token = hsm!.token();
    const open = (create: boolean, more: object = {}) =>
      openPkcs11Kms({ library, module, token, pin, create, ...more });
    return { token, open };
  }

  describeKmsContract("a token", async () => {
    const { open } = newToken();
    await (await open(true)).close();
    return {
      open: () => open(false),
      rotate: async () => (await open(false)).addWrappingKey(),
      retire: async () => (await open(false)).retireWrappingKeys(),
    };
  });

  test("is not given keys where data are there already, and keeps those of a first start that was cut short", async () => {
    const { open } = newToken();
    await expect(open(false)).rejects.toMatchObject({ code: "invalid" });
    const first = await open(true);
    const [derived, wrapped] = [await first.derive("a"), await first.wrap(new Uint8Array(32), "x")];
    const again = await open(true);
    expect(await again.derive("a")).toEqual(derived);
    expect(await again.unwrap(wrapped, "x")).toEqual(new Uint8Array(32));
    expect(await again.addWrappingKey()).toBe(2);
    expect(await again.addWrappingKey(), "a rotation that is under way adds no third").toBe(2);
  });

  test.each([
    ["its PIN is wrong", { pin: "0000-0000" }],
    ["no token has the name", { token: "nobody" }],
    ["its driver is not there", { module: "/nowhere/driver.so" }],
  ])("where %s, says that it cannot be used, and not with which PIN", async (_name, more) => {
    const { open } = newToken();
    const error = await open(true, more).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("cannot be used") });
    expect((error as Error).message).not.toMatch(/0000-0000|1234-5678/);
  });

  test("carries a vault: patients' keys open after a rotation, and not with another token", async () => {
    const { open } = newToken();
    const kms = await open(true);
    const store = await openSqliteStore({ path: join(folder, "keys.db"), collections: vaultCollections });
    onTestFinished(() => store.close());
    const vault = await openVault({ store, kms });
    await vault.create("local/pat_1", "data");
    const sealed = (await vault.key("local/pat_1", "data")).seal("c", Buffer.from("72/min"));
    await vault.close();
    await kms.addWrappingKey();
    expect(await rewrapPatientKeys({ store, kms })).toBe(1);
    await kms.retireWrappingKeys();
    const reopened = await openVault({ store, kms: await open(false) });
    const key = await reopened.key("local/pat_1", "data");
    expect(Buffer.from(key.open("c", sealed)).toString()).toBe("72/min");
    const stranger = await newToken().open(true);
    await expect(openVault({ store, kms: stranger })).rejects.toMatchObject({ code: "invalid" });
  });
});
