import { createHash, randomBytes } from "node:crypto";
import { commitment } from "@wellapi/log-verifier";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLeafSealer } from "../src/index.ts";

const master = randomBytes(32);
const kms = { derive: async (label: string) => new Uint8Array([...master, ...Buffer.from(label)]) };
const sealerOf = (service: string) => createLeafSealer({ kms: kms as never, service });

test("what was sealed opens in its place, and nowhere else", async () => {
  const sealer = await sealerOf("records");
  const other = await sealerOf("consent");
  const tampered = expect.objectContaining({ code: "tampered" });
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.uint8Array(), fc.nat(), (partition, id, plaintext, at) => {
      const sealed = sealer.seal(partition, id, plaintext);
      expect(sealer.open(partition, id, sealed)).toEqual(plaintext);
      expect(() => sealer.open(partition, `${id}x`, sealed)).toThrow(tampered);
      expect(() => sealer.open(partition, id, sealed.with(0, 2))).toThrow(tampered);
      expect(() => sealer.open(`${partition}x`, id, sealed)).toThrow(tampered);
      expect(() => other.open(partition, id, sealed)).toThrow(tampered);
      const spoiled = sealed.slice();
      spoiled[at % sealed.length]! ^= 1;
      expect(() => sealer.open(partition, id, spoiled)).toThrow(tampered);
      expect(() => sealer.open(partition, id, sealed.subarray(0, at % sealed.length))).toThrow(tampered);
    }),
    { numRuns: 50 },
  );
});

// Leaves wait on disk while a program is replaced, and entries of the log are published for ever.
test("what an earlier program has sealed opens, and what it has committed to is the same entry", async () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  const sealer = await createLeafSealer({ kms: { derive: async () => bytes } as never, service: "records" });
  const sealed = Buffer.from("011b0654e02f2a4be04388dafb5aebc1c2e9e33511a7fbec405d190d62347810f2a76b", "hex");
  expect(Buffer.from(sealer.open("local/pat_1", "acc_1", sealed)).toString()).toBe("a leaf");
  expect(Buffer.from(commitment(bytes, Buffer.from("a body"))).toString("hex")).toBe(
    createHash("sha256").update(bytes).update("a body").digest("hex"),
  );
  expect(() => commitment(bytes.subarray(1), Buffer.from("a body"))).toThrow(
    expect.objectContaining({ code: "tampered" }),
  );
});
