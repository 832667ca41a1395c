import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Store } from "@wellapi/store";
import { StoreError } from "@wellapi/store";
import { describe, expect, test } from "vitest";
import { addMasterKey, openLocalKms, openVault, rewrapPatientKeys } from "../src/index.ts";
import { openInstallation } from "./installation.ts";

const alice = "local/pat_alice";
const bob = "local/pat_bob";

describe("ids of keys", () => {
  test("name each version of each key of each patient, always the same, and tell nothing", async () => {
    await using installation = await openInstallation();
    const { vault, store, kms } = installation;
    await Promise.all([vault.create(alice, "data"), vault.create(alice, "audit"), vault.create(bob, "data")]);
    const wrapped = await kms.wrap(randomBytes(32), JSON.stringify([alice, "data", 2]));
    const document = { partition: alice, use: "data", version: 2, wrapped, created: new Date() };
    await store.commit({
      partition: alice,
      changes: [{ kind: "insert", collection: "patient_keys", document }],
    });
    const ofAlice = await vault.keyIds(alice, "data");
    expect(ofAlice).toHaveLength(2);
    const all = [...ofAlice, ...(await vault.keyIds(alice, "audit")), ...(await vault.keyIds(bob, "data"))];
    expect(new Set(all).size).toBe(4);
    for (const id of all) expect(id).toMatch(/^key_[0-9a-hjkmnp-tv-z]{26}$/);
    await installation.reopen();
    expect(await installation.vault.keyIds(alice, "data")).toEqual(ofAlice);
  });

  test("are none where there is no key, or none any more", async () => {
    await using installation = await openInstallation();
    const { vault } = installation;
    expect(await vault.keyIds(alice, "data")).toEqual([]);
    await vault.create(alice, "data");
    await vault.destroy(alice, "data");
    expect(await vault.keyIds(alice, "data")).toEqual([]);
  });

  test("are not said to be none where the store cannot be asked", async () => {
    await using installation = await openInstallation();
    await installation.vault.create(alice, "data");
    await installation.store.close();
    await expect(installation.vault.keyIds(alice, "data")).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("the master key's fingerprint", () => {
  test("is read and not written where it is known: a start on a full disk succeeds", async () => {
    await using installation = await openInstallation();
    const { store, kms } = installation;
    const full: Store = { ...store, commit: () => Promise.reject(new StoreError("unavailable", "ENOSPC")) };
    await (await openVault({ store: full, kms })).close();
  });

  test("of two first starts at once with different key files, one is refused", async () => {
    await using installation = await openInstallation();
    const { folder, store } = installation;
    const key = ["installation", "fingerprint", 0];
    await store.commit({
      partition: "installation",
      changes: [{ kind: "delete", collection: "patient_keys", key }],
    });
    const own = await openLocalKms({ path: join(folder, "own.key") });
    const strange = await openLocalKms({ path: join(folder, "strange.key") });
    const starts = await Promise.allSettled([own, strange].map((kms) => openVault({ store, kms })));
    expect(starts.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(starts.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "invalid" } });
  });

  test("that is cut short is not taken for the right one", async () => {
    await using installation = await openInstallation();
    const { store, kms } = installation;
    const cut: Store = {
      ...store,
      async get(collection, key) {
        const stored = await store.get(collection, key);
        const fingerprint = (stored!.document.fingerprint as Uint8Array).subarray(0, 16);
        return { ...stored!, document: { ...stored!.document, fingerprint } } as never;
      },
    };
    await expect(openVault({ store: cut, kms })).rejects.toMatchObject({ code: "invalid" });
  });
});

test("what remains of a destroyed key says when it was made and when it was destroyed", async () => {
  await using installation = await openInstallation();
  const { store, kms } = installation;
  let now = 1_700_000_000_000;
  const clock = { now: () => now, monotonic: () => now };
  const vault = await openVault({ store, kms, clock });
  await vault.create(alice, "data");
  now += 60_000;
  await vault.destroy(alice, "data");
  await vault.destroy(bob, "data");
  now += 60_000;
  expect(await vault.destroy(alice, "data")).toBe(0);
  now -= 60_000;
  const { document } = (await store.get("patient_keys", [alice, "data", 0]))!;
  expect(document).toMatchObject({
    created: new Date(1_700_000_000_000),
    destroyed: new Date(1_700_000_060_000),
  });
  const never = (await store.get("patient_keys", [bob, "data", 0]))!.document;
  expect(never).toMatchObject({ created: new Date(now), destroyed: new Date(now) });
});

test("an error of the store is the vault's own, and says whether asking again can help; a mistake in the program stays one", async () => {
  await using installation = await openInstallation();
  const { store, kms } = installation;
  let error: Error = new StoreError("damaged", "a page is malformed");
  const failing: Store = { ...store, scan: () => Promise.reject(error) };
  const vault = await openVault({ store: failing, kms });
  for (const [code, told] of [
    ["damaged", "damaged"],
    ["invalid", "invalid"],
    ["unavailable", "unavailable"],
    ["locked", "unavailable"],
  ] as const) {
    error = new StoreError(code, "why");
    await expect(vault.key(alice, "data")).rejects.toMatchObject({
      name: "VaultError",
      code: told,
      cause: error,
    });
  }
  error = new TypeError("x is not a function");
  await expect(vault.key(alice, "data")).rejects.toBe(error);
});

test("where a key changes while it is wrapped anew, nobody is told that all were", async () => {
  await using installation = await openInstallation();
  const { keyPath, store, vault } = installation;
  await vault.create(alice, "data");
  await addMasterKey({ path: keyPath });
  const kms = await openLocalKms({ path: keyPath });
  const raced: Store = { ...store, commit: async () => ({ committed: false, failure: "conflict" }) as never };
  await expect(rewrapPatientKeys({ store: raced, kms })).rejects.toMatchObject({ code: "unavailable" });
  expect(await rewrapPatientKeys({ store, kms })).toBe(1);
});

test("a key that is made while it is destroyed is destroyed, too", async () => {
  await using installation = await openInstallation();
  const { store, kms, vault } = installation;
  let raced = false;
  const racing: Store = {
    ...store,
    async commit(commit) {
      if (!raced) {
        raced = true;
        await vault.create(alice, "data"); // another process, just before this one's commit
      }
      return store.commit(commit);
    },
  };
  const destroying = await openVault({ store: racing, kms });
  expect(await destroying.destroy(alice, "data")).toBe(1);
  vault.forget(alice);
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
});

test("keys of more patients than fit on a page are wrapped anew, all of them", async () => {
  await using installation = await openInstallation();
  const { keyPath, store, vault } = installation;
  const patients = Array.from({ length: 300 }, (_, i) => `local/pat_${i}`);
  await Promise.all(patients.map((partition) => vault.create(partition, "data")));
  await addMasterKey({ path: keyPath });
  const kms = await openLocalKms({ path: keyPath });
  expect(await rewrapPatientKeys({ store, kms })).toBe(300);
  expect(await rewrapPatientKeys({ store, kms })).toBe(0);
});
