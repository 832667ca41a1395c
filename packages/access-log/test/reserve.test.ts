import { open, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openReserve } from "../src/reserve.ts";
import { temporaryFolder } from "./harness.ts";

const bytes = 4096;
const record = (text: string) => new Uint8Array(Buffer.from(text));
const texts = (records: readonly Uint8Array[]) => records.map((one) => Buffer.from(one).toString());

afterEach(() => {
  vi.restoreAllMocks();
});

/** What all open files have in common, so that a test can stand between the reserve and its file. */
async function fileHandles(path: string): Promise<{ datasync(): Promise<void> }> {
  const file = await open(path, "r");
  await file.close();
  return Object.getPrototypeOf(file);
}

async function newPath() {
  return join(await temporaryFolder(), "reserve");
}

describe("the reserve", () => {
  test("takes its space at open and never grows", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    expect((await stat(path)).size).toBe(bytes);
    expect((await stat(path)).mode & 0o077).toBe(0);
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => reserve.append(record(`${i} ${"x".repeat(90)}`))),
    );
    const stored = results.filter(({ status }) => status === "fulfilled").length;
    expect(stored).toBe(Math.floor(bytes / 100.9)); // 8 bytes of frame, 92 or 93 of record
    expect(results.at(-1)).toMatchObject({ reason: { code: "unavailable" } });
    expect((await stat(path)).size).toBe(bytes);
    await reserve.close();
  });

  test("gives back at the next open what it acknowledged, in order", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await Promise.all(["a", "b", "c"].map((text) => reserve.append(record(text))));
    await reserve.append(record("d"));
    await reserve.close();
    const again = await openReserve({ path, bytes });
    expect(texts(again.held())).toEqual(["a", "b", "c", "d"]);
    await again.append(record("e"));
    expect(texts(again.held())).toEqual(["a", "b", "c", "d", "e"]);
    await again.close();
  });

  test("acknowledges what is on the disk, not what was handed to the kernel", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    const sync = Promise.withResolvers<void>();
    const synced = vi.spyOn(await fileHandles(path), "datasync").mockReturnValueOnce(sync.promise);
    let acknowledged = false;
    const appending = reserve.append(record("a")).then(() => {
      acknowledged = true;
    });
    await vi.waitFor(() => expect(synced).toHaveBeenCalledTimes(1));
    expect((await readFile(path)).includes("a")).toBe(true);
    expect(acknowledged).toBe(false);
    sync.resolve();
    await appending;
    await reserve.close();
  });

  test("acknowledges nothing after a sync that failed: a later one would lie", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    vi.spyOn(await fileHandles(path), "datasync").mockRejectedValueOnce(new Error("EIO"));
    await expect(reserve.append(record("a"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(reserve.append(record("b"))).rejects.toMatchObject({ code: "unavailable" });
    expect(reserve.held()).toEqual([]);
    await reserve.close();
  });

  test("is empty, to the last byte, once all is released", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await reserve.append(record("first"));
    await reserve.append(record("second"));
    await reserve.release(1);
    expect(texts(reserve.held())).toEqual(["second"]);
    await reserve.release(1);
    expect((await readFile(path)).every((byte) => byte === 0)).toBe(true);
    await reserve.append(record("third"));
    await reserve.close();
    const again = await openReserve({ path, bytes });
    expect(texts(again.held())).toEqual(["third"]);
    await again.close();
  });

  test("ignores a torn record, wherever it was torn, and writes over it", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await reserve.append(record("whole"));
    await reserve.append(record("torn record"));
    await reserve.close();
    const content = await readFile(path);
    const start = 8 + "whole".length;
    const end = start + 8 + "torn record".length;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: start, max: end - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, xor) => {
          const torn = Buffer.from(content);
          torn[at]! ^= xor;
          await writeFile(path, torn);
          const opened = await openReserve({ path, bytes });
          expect(texts(opened.held())).toEqual(["whole"]);
          await opened.append(record("next"));
          await opened.close();
          const again = await openReserve({ path, bytes });
          expect(texts(again.held())).toEqual(["whole", "next"]);
          await again.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("does not bring back what stood behind a torn record", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await Promise.all(["one", "two", "six"].map((text) => reserve.append(record(text))));
    await reserve.close();
    const torn = await readFile(path);
    torn[11 + 8]! ^= 1; // the second of three records of 11 bytes with their heads
    await writeFile(path, torn);
    const opened = await openReserve({ path, bytes });
    await opened.append(record("new"));
    await opened.close();
    const again = await openReserve({ path, bytes });
    expect(texts(again.held())).toEqual(["one", "new"]);
    await again.close();
  });

  test("takes its space again where the file was cut", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await reserve.append(record("kept"));
    await reserve.close();
    await truncate(path, 20);
    const again = await openReserve({ path, bytes });
    expect(texts(again.held())).toEqual(["kept"]);
    expect((await stat(path)).size).toBe(bytes);
    await again.close();
  });

  test("refuses after it was closed", async () => {
    const reserve = await openReserve({ path: await newPath(), bytes });
    await reserve.close();
    await expect(reserve.append(record("late"))).rejects.toMatchObject({ code: "unavailable" });
  });
});
