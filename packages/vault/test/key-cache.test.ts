import { expect, test } from "vitest";
import type { Kms, Vault } from "../src/index.ts";
import { createKeyRepository, openVault, VaultError } from "../src/index.ts";
import { type Installation, openInstallation } from "./installation.ts";

const alice = "local/pat_alice";
const bob = "local/pat_bob";
const text = new TextEncoder().encode("heart rate 61");
const dropped = expect.objectContaining({ code: "unavailable" });

/** A vault whose KMS unwraps a key only when the test lets it. */
async function openGated(installation: Installation, cacheKeys?: number) {
  const waiting: PromiseWithResolvers<void>[] = [];
  const unwrapped: string[] = [];
  let gated = false;
  const kms: Kms = {
    ...installation.kms,
    async unwrap(wrapped, context) {
      unwrapped.push(context);
      if (gated) {
        const gate = Promise.withResolvers<void>();
        waiting.push(gate);
        await gate.promise;
      }
      return installation.kms.unwrap(wrapped, context);
    },
  };
  const vault = await openVault({
    store: installation.store,
    kms,
    ...(cacheKeys === undefined ? {} : { cacheKeys }),
  });
  return {
    vault,
    unwrapped,
    gate(on: boolean) {
      gated = on;
    },
    /** Once so many unwrappings wait. */
    async waits(count: number) {
      await expect.poll(() => waiting.length).toBe(count);
      return waiting;
    },
  };
}

const works = async (vault: Vault, partition: string, use: "data" | "audit" = "data") => {
  const key = await vault.key(partition, use);
  return Buffer.from(key.open("x", key.seal("x", text))).equals(text);
};

test("all who ask for a key at once get one key, which is unwrapped once", async () => {
  await using installation = await openInstallation();
  const { vault, unwrapped } = await openGated(installation);
  await vault.create(alice, "data");
  const [a, b] = await Promise.all([vault.key(alice, "data"), vault.key(alice, "data")]);
  expect(a).toBe(b);
  expect(await vault.key(alice, "data")).toBe(a);
  expect(unwrapped).toHaveLength(1);
});

test("a key that is destroyed while it is unwrapped is given to nobody", async () => {
  await using installation = await openInstallation();
  const { vault, gate, waits } = await openGated(installation);
  await vault.create(alice, "data");
  gate(true);
  const asked = vault.key(alice, "data");
  const outcome = expect(asked).rejects.toMatchObject({ code: "destroyed" });
  const [unwrapping] = await waits(1);
  await vault.destroy(alice, "data");
  unwrapping!.resolve();
  await outcome;
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
});

test.each<[string, (vault: Vault) => void]>([
  ["of a patient", (vault) => vault.forget(alice)],
  ["of all", (vault) => vault.forgetAll("data")],
])(
  "a recall %s counts for a key that is being unwrapped for the second time, after the first was recalled",
  async (_, forget) => {
    await using installation = await openInstallation();
    const { vault, gate, waits } = await openGated(installation);
    await vault.create(alice, "data");
    gate(true);
    const first = vault.key(alice, "data");
    const [one] = await waits(1);
    forget(vault);
    const second = vault.key(alice, "data");
    const [, two] = await waits(2);
    gate(false);
    one!.resolve(); // it is over: it must not be taken for the second
    await new Promise((resolve) => setImmediate(resolve));
    // By another process, of which this one hears by the recall.
    await createKeyRepository(installation.store).destroy(alice, "data", 0);
    forget(vault);
    const outcomes = Promise.allSettled([first, second]);
    two!.resolve();
    const destroyed = { status: "rejected", reason: expect.objectContaining({ code: "destroyed" }) };
    expect(await outcomes).toEqual([destroyed, destroyed]);
  },
);

test("what a key is made of is overwritten once it is wrapped", async () => {
  await using installation = await openInstallation();
  const { store, kms } = installation;
  const given: Uint8Array[] = [];
  const seeing: Kms = {
    ...kms,
    wrap(key, context) {
      given.push(key);
      return kms.wrap(key, context);
    },
  };
  const vault = await openVault({ store, kms: seeing });
  await vault.create(alice, "data");
  expect(given.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true]);
});

test("a recall of data keys leaves keys of the log alone, in the cache and while they are unwrapped", async () => {
  await using installation = await openInstallation();
  const { vault, gate, waits, unwrapped } = await openGated(installation);
  for (const partition of [alice, bob]) await vault.create(partition, "audit");
  const held = await vault.key(alice, "audit");
  gate(true);
  const loading = vault.key(bob, "audit");
  const [unwrapping] = await waits(1);
  vault.forgetAll("data");
  gate(false);
  unwrapping!.resolve();
  const loaded = await loading;
  expect(await vault.key(bob, "audit")).toBe(loaded);
  expect(await vault.key(alice, "audit")).toBe(held);
  expect(unwrapped).toHaveLength(2);
});

test("forgetting a patient drops both keys of theirs and nobody else's", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await Promise.all([vault.create(alice, "data"), vault.create(alice, "audit"), vault.create(bob, "data")]);
  const keys = [await vault.key(alice, "data"), await vault.key(alice, "audit")];
  const other = await vault.key(bob, "data");
  vault.forget(alice);
  for (const key of keys) expect(() => key.seal("x", text)).toThrow(dropped);
  expect(await vault.key(bob, "data")).toBe(other);
  expect(await works(vault, bob)).toBe(true);
});

test("closing drops every key", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await Promise.all([vault.create(alice, "data"), vault.create(bob, "audit")]);
  const keys = [await vault.key(alice, "data"), await vault.key(bob, "audit")];
  await vault.close();
  for (const key of keys) expect(() => key.mac("x", text)).toThrow(dropped);
});

test("a key that was pushed out of the cache is read again", async () => {
  await using installation = await openInstallation(1);
  const { vault } = installation;
  for (const partition of [alice, bob]) await vault.create(partition, "data");
  const pushedOut = await vault.key(alice, "data");
  await vault.key(bob, "data");
  expect(() => pushedOut.seal("x", text)).toThrow(dropped);
  expect(await works(vault, alice)).toBe(true);
});

test("a key that could not be read is asked for again, and not remembered as failed", async () => {
  await using installation = await openInstallation();
  const { vault } = installation;
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "no_key" });
  await vault.create(alice, "data");
  expect(await works(vault, alice)).toBe(true);
});

test("a KMS that does not answer is no damage: its error reaches the caller, and nobody is told", async () => {
  await using installation = await openInstallation();
  const { store, kms } = installation;
  await installation.vault.create(alice, "data");
  const told: unknown[] = [];
  let error: Error = new VaultError("unavailable", "the KMS does not answer");
  const failing: Kms = { ...kms, unwrap: () => Promise.reject(error) };
  const vault = await openVault({ store, kms: failing, damage: { report: (one) => told.push(one) } });
  await expect(vault.key(alice, "data")).rejects.toBe(error);
  error = Object.assign(new Error("another's"), { code: "tampered" });
  await expect(vault.key(alice, "data")).rejects.toBe(error);
  expect(told).toEqual([]);
});

test("where the scrub fails after a key was destroyed, nobody goes on with it from memory", async () => {
  await using installation = await openInstallation();
  const { kms, store } = installation;
  const failing = { ...store, scrub: () => Promise.reject(new Error("EIO")) };
  const vault = await openVault({ store: failing, kms });
  await vault.create(alice, "data");
  const held = await vault.key(alice, "data");
  await expect(vault.destroy(alice, "data")).rejects.toThrow("EIO");
  expect(() => held.seal("x", text)).toThrow(dropped);
  await expect(vault.key(alice, "data")).rejects.toMatchObject({ code: "destroyed" });
});
