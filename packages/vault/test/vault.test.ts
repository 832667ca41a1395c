import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { openLocalKms, openVault } from "../src/index.ts";
import { openInstallation } from "./installation.ts";

const alice = "local/pat_alice";
const bob = "local/pat_bob";
const text = new TextEncoder().encode("heart rate 61");

test("a key opens what it sealed, also after a restart", async () => {
  await using installation = await openInstallation();
  await installation.vault.create(alice, "data");
  const sealed = (await installation.vault.key(alice, "data")).seal("block/1", text);
  const mac = (await installation.vault.key(alice, "data")).mac("digest", text);

  await installation.reopen();
  const key = await installation.vault.key(alice, "data");
  expect(key.open("block/1", sealed)).toEqual(text);
  expect(key.mac("digest", text)).toEqual(mac);
});

test("creating a key again changes nothing", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await Promise.all([vault.create(alice, "data"), vault.create(alice, "data")]);
  const sealed = (await vault.key(alice, "data")).seal("block/1", text);
  await vault.create(alice, "data");
  vault.forget(alice);
  expect((await vault.key(alice, "data")).open("block/1", sealed)).toEqual(text);
});

test("each patient and use has a key of its own", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await Promise.all([vault.create(alice, "data"), vault.create(alice, "audit"), vault.create(bob, "data")]);
  const key = await vault.key(alice, "data");
  const sealed = key.seal("block/1", text);
  for (const other of [await vault.key(alice, "audit"), await vault.key(bob, "data")]) {
    expect(() => other.open("block/1", sealed)).toThrow(expect.objectContaining({ code: "tampered" }));
    expect(other.mac("digest", text)).not.toEqual(key.mac("digest", text));
  }
});

test("a key that never was is not there", async () => {
  await using installation = await openInstallation();
  await installation.vault.create(alice, "audit");
  await expect(installation.vault.key(alice, "data")).rejects.toMatchObject({ code: "no_key" });
});

test("a destroyed key stays destroyed and leaves no bytes behind", async () => {
  await using installation = await openInstallation();
  const { vault, store } = installation;
  await vault.create(alice, "data");
  await vault.create(alice, "audit");
  const held = await vault.key(alice, "data");
  const sealed = held.seal("block/1", text);
  const stored = await store.get<{ partition: string; wrapped: Uint8Array }>("patient_keys", [
    alice,
    "data",
    1,
  ]);
  const wrapped = Buffer.from(stored!.document.wrapped);
  expect((await installation.storeFiles()).some((file) => file.includes(wrapped))).toBe(true);

  expect(await vault.destroy(alice, "data")).toBe(1);
  expect((await installation.storeFiles()).some((file) => file.includes(wrapped))).toBe(false);
  expect(() => held.open("block/1", sealed)).toThrow(expect.objectContaining({ code: "unavailable" }));
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });

  await installation.reopen();
  await expect(installation.vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
  await expect(installation.vault.create(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
  expect(await installation.vault.destroy(alice, "data")).toBe(0);
  await installation.vault.key(alice, "audit");
});

test("a key that is destroyed before it was made cannot be made", async () => {
  await using installation = await openInstallation();
  expect(await installation.vault.destroy(alice, "data")).toBe(0);
  await expect(installation.vault.create(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
});

test("creating and destroying at once never leaves a living key after destroy has returned", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  for (let round = 0; round < 20; round++) {
    const partition = `local/pat_${round}`;
    const creations = Promise.allSettled([vault.create(partition, "data"), vault.create(partition, "data")]);
    await vault.destroy(partition, "data");
    await creations;
    await expect(vault.key(partition, "data")).rejects.toMatchObject({ code: "destroyed" });
  }
});

test("forgetting drops the keys that callers still hold", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await vault.create(alice, "data");
  await vault.create(alice, "audit");
  await vault.create(bob, "data");
  const [data, audit, other] = [
    await vault.key(alice, "data"),
    await vault.key(alice, "audit"),
    await vault.key(bob, "data"),
  ];
  const dropped = expect.objectContaining({ code: "unavailable" });

  vault.forget(bob);
  expect(() => other.seal("x", text)).toThrow(dropped);
  vault.forgetAll("data");
  expect(() => data.mac("x", text)).toThrow(dropped);
  const sealed = audit.seal("x", text);
  expect((await vault.key(alice, "audit")).open("x", sealed)).toEqual(text);
});

test("a key that is forgotten while it is loaded is read again", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await vault.create(alice, "data");
  const loading = vault.key(alice, "data");
  vault.forget(alice);
  const key = await loading;
  expect(key.open("x", key.seal("x", text))).toEqual(text);
  expect(await vault.key(alice, "data")).toBe(key);
});

test("a key that another process destroys while it is loaded is neither given out nor kept, once it is forgotten", async () => {
  await using installation = await openInstallation();
  const { store, kms } = installation;
  await installation.vault.create(alice, "data");
  const read = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let slow = true;
  // What it read is on its way while the world goes on.
  const away: typeof store = {
    ...store,
    async scan(...call) {
      const page = await store.scan(...call);
      if (slow) {
        slow = false;
        read.resolve();
        await answer.promise;
      }
      return page as never;
    },
  };
  const here = await openVault({ store: away, kms });
  const loading = here.key(alice, "data");
  await read.promise;
  await installation.vault.destroy(alice, "data");
  here.forget(alice);
  answer.resolve();
  await expect(loading).rejects.toMatchObject({ code: "destroyed" });
  await expect(here.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
  await here.close();
});

test("the cache holds no more than its bound, the least recently used leaves first", async () => {
  await using installation = await openInstallation(2);
  const { vault } = installation;
  for (const partition of [alice, bob, "local/pat_carol"]) await vault.create(partition, "data");
  const first = await vault.key(alice, "data");
  const second = await vault.key(bob, "data");
  await vault.key(alice, "data");
  await vault.key("local/pat_carol", "data");
  expect(await vault.key(alice, "data")).toBe(first);
  expect(() => second.seal("x", text)).toThrow(expect.objectContaining({ code: "unavailable" }));
});

test("another version of a key has another id", async () => {
  await using installation = await openInstallation();
  const { vault, store, kms } = installation;
  await vault.create(alice, "data");
  const before = await vault.key(alice, "data");
  const sealedBefore = before.seal("block/1", text);
  const macBefore = before.mac("digest", text);

  const wrapped = await kms.wrap(randomBytes(32), JSON.stringify([alice, "data", 2]));
  const document = { partition: alice, use: "data", version: 2, wrapped, created: new Date() };
  await store.commit({
    partition: alice,
    changes: [{ kind: "insert", collection: "patient_keys", document }],
  });
  vault.forget(alice);

  const key = await vault.key(alice, "data");
  expect(key.open("block/1", sealedBefore)).toEqual(text);
  expect(key.mac("digest", text)).toEqual(macBefore);
  const sealed = key.seal("block/1", text);
  expect(key.open("block/1", sealed)).toEqual(text);
  const relabelled = Uint8Array.from(sealed).with(4, 1);
  expect(() => key.open("block/1", relabelled)).toThrow(expect.objectContaining({ code: "tampered" }));
});

test("a wrapped key that is moved to another patient does not unwrap, and can be destroyed like any other", async () => {
  await using installation = await openInstallation();
  const { vault, store } = installation;
  await vault.create(alice, "data");
  const { document } = (await store.get("patient_keys", [alice, "data", 1]))!;
  await store.commit({
    partition: bob,
    changes: [{ kind: "insert", collection: "patient_keys", document: { ...document, partition: bob } }],
  });
  await expect(vault.key(bob, "data")).rejects.toMatchObject({
    code: "damaged",
    cause: { code: "tampered" },
  });
  // It stands there without the entry that says that it lives.
  await vault.create(bob, "data");
  await expect(vault.key(bob, "data")).rejects.toMatchObject({ code: "damaged" });
  expect(await vault.destroy(bob, "data")).toBe(1);
  await expect(vault.key(bob, "data")).rejects.toMatchObject({ code: "destroyed" });
});

test("a lost or swapped key file is found at start", async () => {
  await using installation = await openInstallation();
  await installation.vault.create(alice, "data");
  const strangePath = `${installation.keyPath}.other`;
  await writeFile(strangePath, randomBytes(32), { mode: 0o600 });
  const strange = await openLocalKms({ path: strangePath });
  const opening = openVault({ store: installation.store, kms: strange });
  await expect(opening).rejects.toMatchObject({
    code: "invalid",
    message: expect.stringContaining("restore"),
  });
  await rm(strangePath);
});

test("a closed store is unavailable, which a caller may retry", async () => {
  await using installation = await openInstallation();
  await installation.store.close();
  await expect(installation.vault.key(alice, "data")).rejects.toMatchObject({ code: "unavailable" });
  await expect(installation.vault.create(alice, "data")).rejects.toMatchObject({ code: "unavailable" });
});

test("a wrapped key with one bit flipped is damage of its patient alone, told once, and can be destroyed", async () => {
  await using installation = await openInstallation();
  await installation.vault.create(alice, "data");
  await installation.vault.create(bob, "data");
  const { store, kms } = installation;
  const stored = (await store.get("patient_keys", [alice, "data", 1]))!;
  const wrapped = Uint8Array.from(stored.document.wrapped as Uint8Array);
  wrapped[20]! ^= 1;
  const document = { ...stored.document, wrapped };
  const change = { kind: "replace", collection: "patient_keys", document, ifRevision: 1 } as const;
  expect((await store.commit({ partition: alice, changes: [change] })).committed).toBe(true);
  const told: unknown[] = [];
  const vault = await openVault({ store, kms, damage: { report: (damaged) => told.push(damaged) } });
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "damaged" });
  expect(told).toEqual([
    { collection: "patient_keys", document: [alice, "data", "1"], what: "a wrapped key does not unwrap" },
  ]);
  expect((await vault.key(bob, "data")).seal("c", text)).toBeDefined();
  expect(await vault.destroy(alice, "data")).toBe(1);
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
});
