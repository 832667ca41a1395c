import { describe, expect, test } from "vitest";
import { createBoundedCache } from "../src/index.ts";

describe("a bounded cache", () => {
  test("lets what was not used for longest go, and says so", () => {
    const dropped: string[] = [];
    const cache = createBoundedCache<string>({
      name: "test-use",
      capacity: 2,
      onDrop: (value, key) => dropped.push(`${key}=${value}`),
    });
    cache.set("a", "1");
    cache.set("b", "2");
    expect(cache.get("a")).toBe("1");
    cache.set("c", "3");
    expect(dropped).toEqual(["b=2"]);
    expect([...cache.entries].map(([key]) => key)).toEqual(["c", "a"]);
    expect(cache.size).toBe(2);
  });

  test("tells of what is replaced, deleted and cleared away, too", () => {
    const dropped: string[] = [];
    const cache = createBoundedCache<string>({
      name: "test-drop",
      capacity: 9,
      onDrop: (value) => dropped.push(value),
    });
    cache.set("a", "1");
    cache.set("a", "2");
    cache.delete("a");
    cache.set("b", "3");
    cache.clear();
    expect(dropped).toEqual(["1", "2", "3"]);
    expect(cache.get("a")).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test("by weight: the sum stays within the capacity, and what is heavier than all of it is not kept", () => {
    const cache = createBoundedCache<number>({ name: "test-weight", capacity: 10, weigh: (value) => value });
    cache.set("a", 4);
    cache.set("b", 4);
    cache.set("c", 4);
    expect([...cache.entries].map(([key]) => key)).toEqual(["c", "b"]);
    cache.set("d", 11);
    expect(cache.get("d")).toBeUndefined();
    expect(cache.get("c")).toBe(4);
  });

  test("counts hits and misses, over all caches of its name", () => {
    const one = createBoundedCache<number>({ name: "test-counts", capacity: 2 });
    const other = createBoundedCache<number>({ name: "test-counts", capacity: 2 });
    one.set("a", 1);
    one.get("a");
    one.get("b");
    other.get("a");
    expect(one.counts).toEqual({ hits: 1, misses: 2 });
    expect(other.counts).toEqual(one.counts);
  });
});
