import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeId, encodeId, randomIds } from "../src/ids.ts";

test("any 16 bytes come back from their 26 characters", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = encodeId(bytes);
      expect(text).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
      expect(decodeId(text)).toEqual(bytes);
    }),
    { numRuns: 200 },
  );
});

test.each(["", "0".repeat(25), `8${"0".repeat(25)}`, `0${"u".repeat(25)}`, `0${"A".repeat(25)}`])(
  "%j is no id",
  (text) => {
    expect(decodeId(text)).toBeUndefined();
  },
);

test("carries its prefix", () => {
  expect(randomIds.next("pat")).toMatch(/^pat_[0-9a-z]{26}$/);
});

test("an access's grows with time, so that indexes over many of them grow at one place", async () => {
  const first = randomIds.next("acc");
  const started = Date.now();
  while (Date.now() === started) await new Promise(setImmediate);
  expect(randomIds.next("acc") > first).toBe(true);
});
