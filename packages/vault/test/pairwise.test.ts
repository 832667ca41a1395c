import { randomBytes } from "node:crypto";
import { encodeId } from "@wellapi/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPairwise } from "../src/index.ts";

const secret = randomBytes(32);
const pairwise = createPairwise({ secret });
const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
const party = fc.constantFrom("installation", "org_a", "org_b");
const prefix = fc.constantFrom("pat", "bat", "obs", "dev");

test("every id comes back, whichever party and prefix are asked for first", () => {
  fc.assert(
    fc.property(block, party, prefix, (bytes, who, kind) => {
      const id = `${kind}_${encodeId(bytes)}`;
      const outward = pairwise.outward(who, id);
      expect(outward).toMatch(/^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/);
      expect(outward).not.toBe(id);
      expect(pairwise.inward(who, kind, outward)).toBe(id);
      // A permutation: every outward id has an internal one, too.
      expect(pairwise.outward(who, pairwise.inward(who, kind, id)!)).toBe(id);
    }),
  );
});

test("parties, prefixes and installations see different ids", () => {
  const text = encodeId(randomBytes(16));
  const seen = [
    pairwise.outward("org_a", `pat_${text}`),
    pairwise.outward("org_b", `pat_${text}`),
    pairwise.outward("org_a", `bat_${text}`),
    createPairwise({ secret: randomBytes(32) }).outward("org_a", `pat_${text}`),
  ].map((id) => id.slice(4));
  expect(new Set(seen).size).toBe(seen.length);
});

test("an id of another party means another, unknown, internal id", () => {
  const id = `pat_${encodeId(randomBytes(16))}`;
  expect(pairwise.inward("org_b", "pat", pairwise.outward("org_a", id))).not.toBe(id);
});

test("malformed ids and other prefixes are refused", () => {
  const outward = pairwise.outward("org_a", `pat_${encodeId(randomBytes(16))}`);
  const malformed = [
    "",
    "pat_",
    outward.slice(0, -1),
    `${outward}0`,
    outward.toUpperCase(),
    outward.replace("_", "-"),
    `pat_u${outward.slice(5)}`,
    `pat_8${outward.slice(5)}`, // 131 bits
    `bat_${outward.slice(4)}`,
  ];
  for (const id of malformed) expect(pairwise.inward("org_a", "pat", id)).toBeUndefined();
  for (const id of malformed.slice(0, -1)) {
    expect(() => pairwise.outward("org_a", id)).toThrow(expect.objectContaining({ code: "invalid" }));
  }
});

test("keys that left the cache are derived again to the same ids", () => {
  const small = createPairwise({ secret, cacheKeys: 1 });
  const id = `pat_${encodeId(randomBytes(16))}`;
  const outward = small.outward("org_a", id);
  small.outward("org_b", id);
  expect(small.outward("org_a", id)).toBe(outward);
});

test("a secret of another length is refused", () => {
  expect(() => createPairwise({ secret: randomBytes(16) })).toThrow(
    expect.objectContaining({ code: "invalid" }),
  );
});
