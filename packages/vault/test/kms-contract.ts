import { beforeEach, describe, expect, test } from "vitest";
import type { OpenKms } from "../src/index.ts";

/** One master key, which is opened as often as a test asks. */
export interface MasterKeyOfTest {
  open(): Promise<OpenKms>;
  /** Adds a wrapping key: the next `open` wraps with it. */
  rotate(): Promise<unknown>;
  retire(): Promise<unknown>;
}

/** What every engine of the port promises. `create` makes a new master key. */
export function describeKmsContract(name: string, create: () => Promise<MasterKeyOfTest>): void {
  describe(`${name} as a KMS`, () => {
    const key = new Uint8Array(32).fill(9);
    let master: MasterKeyOfTest;
    let kms: OpenKms;
    beforeEach(async () => {
      master = await create();
      kms = await master.open();
    });

    test("unwraps what it wrapped, after a restart too, and never shows the key", async () => {
      const wrapped = await kms.wrap(key, "context");
      expect(Buffer.from(wrapped).includes(Buffer.from(key))).toBe(false);
      expect(await kms.wrap(key, "context")).not.toEqual(wrapped);
      await kms.close();
      expect(await (await master.open()).unwrap(wrapped, "context")).toEqual(key);
    });

    test("unwraps nothing in another context, changed, or of another master key", async () => {
      const wrapped = await kms.wrap(key, "context");
      await expect(kms.unwrap(wrapped, "other")).rejects.toMatchObject({ code: "tampered" });
      for (let at = 0; at < wrapped.length; at++) {
        const changed = wrapped.with(at, wrapped[at]! ^ 1);
        // A changed number names a key that is not there.
        const codes = at > 0 && at < 5 ? ["tampered", "unavailable"] : ["tampered"];
        const code = await kms.unwrap(changed, "context").catch((error: { code: string }) => error.code);
        expect(codes, `byte ${at}`).toContain(code);
      }
      const other = await (await create()).open();
      await expect(other.unwrap(wrapped, "context")).rejects.toMatchObject({ code: "tampered" });
      expect(await kms.unwrap(wrapped, "context")).toEqual(key);
    });

    test("bytes of any length that nobody wrapped are called tampered", async () => {
      const wrapped = await kms.wrap(key, "context");
      for (let length = 0; length < wrapped.length; length++) {
        const cut = kms.unwrap(wrapped.slice(0, length), "context");
        await expect(cut, `${length} bytes`).rejects.toMatchObject({ code: "tampered" });
      }
      await expect(kms.rewrap(new Uint8Array(0), "context")).rejects.toMatchObject({ code: "tampered" });
    });

    test("wraps only what has the length of a key", async () => {
      for (const length of [0, 16, 31, 33, 64]) {
        await expect(kms.wrap(new Uint8Array(length), "context")).rejects.toMatchObject({ code: "invalid" });
      }
    });

    test("derives by label: always the same, and each another", async () => {
      const derived = await kms.derive("a");
      expect(derived).toHaveLength(32);
      expect(await kms.derive("b")).not.toEqual(derived);
      expect(await (await master.open()).derive("a")).toEqual(derived);
      expect(await (await (await create()).open()).derive("a")).not.toEqual(derived);
      await expect(kms.derive("x".repeat(1025))).rejects.toMatchObject({ code: "invalid" });
    });

    test("a rotation rewraps, keeps what was wrapped and what is derived; a retired key unwraps nothing", async () => {
      const wrapped = await kms.wrap(key, "context");
      const derived = await kms.derive("pairwise");
      expect(await kms.rewrap(wrapped, "context")).toBeUndefined();
      await master.rotate();
      const rotated = await master.open();
      expect(await rotated.unwrap(wrapped, "context")).toEqual(key);
      const rewrapped = (await rotated.rewrap(wrapped, "context"))!;
      expect(await rotated.rewrap(rewrapped, "context")).toBeUndefined();
      expect(await rotated.derive("pairwise")).toEqual(derived);
      await expect(kms.unwrap(rewrapped, "context")).rejects.toMatchObject({ code: "unavailable" });
      await master.retire();
      const retired = await master.open();
      expect(await retired.unwrap(rewrapped, "context")).toEqual(key);
      expect(await retired.derive("pairwise")).toEqual(derived);
      await expect(retired.unwrap(wrapped, "context")).rejects.toMatchObject({ code: "unavailable" });
    });

    test("closed, it refuses and calls nothing tampered", async () => {
      const wrapped = await kms.wrap(key, "context");
      await kms.close();
      await kms.close();
      for (const call of [kms.unwrap(wrapped, "context"), kms.wrap(key, "context"), kms.derive("pairwise")]) {
        await expect(call).rejects.toMatchObject({ code: "unavailable" });
      }
    });
  });
}
