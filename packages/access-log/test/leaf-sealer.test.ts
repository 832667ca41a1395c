import { randomBytes } from "node:crypto";
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
