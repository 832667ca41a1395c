import { expect, test } from "vitest";
import { randomFromPool } from "../src/random-pool.ts";

test("no bytes are given twice, past the pool's end and in pieces that do not divide it", () => {
  const given = Array.from({ length: 5_000 }, () => Buffer.from(randomFromPool(12)).toString("hex"));
  expect(new Set(given).size).toBe(given.length);
  expect(given.every((text) => text.length === 24)).toBe(true);
});

test("what was given is the taker's own, and more than the pool holds is refused", () => {
  const first = randomFromPool(32);
  const copy = Uint8Array.from(first);
  for (let i = 0; i < 1_000; i++) randomFromPool(32);
  expect(first).toEqual(copy);
  expect(first.buffer.byteLength).toBe(32);
  expect(() => randomFromPool(8_193)).toThrow(RangeError);
});
