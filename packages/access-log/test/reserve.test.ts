import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, readFile, readlink, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openReserve, reserveIsEmpty } from "../src/reserve.ts";
import { temporaryFolder } from "./harness.ts";

const bytes = 4096;
const record = (text: string) => new Uint8Array(Buffer.from(text));
const texts = (records: readonly Uint8Array[]) => records.map((one) => Buffer.from(one).toString());

afterEach(() => {
  vi.restoreAllMocks();
});

/** What all open files have in common, so that a test can stand between the reserve and its file. */
async function fileHandles(path: string): Promise<FileHandle> {
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
    await vi.waitFor(() => expect(synced).toHaveBeenCalledTimes(1), 15_000);
    expect((await readFile(path)).includes("a")).toBe(true);
    expect(acknowledged).toBe(false);
    sync.resolve();
    await appending;
    await reserve.close();
  });

  test("acknowledges nothing after a sync that failed, and says why: a later one would lie", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    const cause = new Error("EIO");
    vi.spyOn(await fileHandles(path), "datasync").mockRejectedValueOnce(cause);
    await expect(reserve.append(record("a"))).rejects.toMatchObject({ code: "unavailable", cause });
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

  test("keeps on the disk what is still held while a part was released", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await reserve.append(record("released"));
    await reserve.append(record("held"));
    await reserve.release(1);
    // As after a crash: the file as it stands.
    const copy = await newPath();
    await writeFile(copy, await readFile(path));
    const again = await openReserve({ path: copy, bytes });
    expect(texts(again.held())).toContain("held");
    await again.close();
    await reserve.close();
  });

  test("takes a record that fills it to the last byte, and none of a byte more", async () => {
    const reserve = await openReserve({ path: await newPath(), bytes: 100 });
    await expect(reserve.append(new Uint8Array(93).fill(7))).rejects.toMatchObject({ code: "unavailable" });
    await reserve.append(new Uint8Array(92).fill(7));
    expect(reserve.held()).toHaveLength(1);
    await reserve.close();
  });

  test("goes on with a write that the kernel has taken in part", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    const prototype = await fileHandles(path);
    const write = prototype.write;
    vi.spyOn(prototype, "write").mockImplementation(function (this: FileHandle, ...args: unknown[]) {
      const [content, offset, length, position] = args as [Uint8Array, number, number, number];
      return Reflect.apply(write, this, [content, offset, Math.min(5, length), position]) as never;
    });
    await reserve.append(record("a record of some length"));
    await reserve.append(record("another"));
    await reserve.close();
    vi.restoreAllMocks();
    const again = await openReserve({ path, bytes });
    expect(texts(again.held())).toEqual(["a record of some length", "another"]);
    await again.close();
  });

  test("acknowledges nothing after it could not be emptied, for what was released would come back", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    await reserve.append(record("released"));
    const failed = new Error("EIO");
    vi.spyOn(await fileHandles(path), "datasync").mockRejectedValueOnce(failed);
    await reserve.release(1);
    await expect(reserve.append(record("new"))).rejects.toMatchObject({ code: "unavailable", cause: failed });
    await reserve.close();
  });

  test("is on the disk with its name before it opens", async () => {
    const path = await newPath();
    const synced = vi.spyOn(await fileHandles(await otherFile()), "sync");
    await (await openReserve({ path, bytes })).close();
    expect(synced, "the folder and the file").toHaveBeenCalledTimes(2);
    await (await openReserve({ path, bytes })).close();
    expect(synced, "the file").toHaveBeenCalledTimes(3);
  });

  test("that cannot be opened says why, and one that cannot be read leaves no file open", async () => {
    const path = await newPath();
    await mkdir(path);
    await expect(openReserve({ path, bytes })).rejects.toMatchObject({ code: "EISDIR" });
    const other = await newPath();
    const prototype = await fileHandles(await otherFile());
    vi.spyOn(prototype, "stat").mockRejectedValueOnce(new Error("EIO"));
    await expect(openReserve({ path: other, bytes })).rejects.toThrow("EIO");
    expect(await openFiles(other)).toBe(0);
  });

  test("has one file open, and none after it was closed, twice", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    expect(await openFiles(dirname(path))).toBe(1);
    await Promise.all([reserve.close(), reserve.close()]);
    await reserve.close();
    expect(await openFiles(dirname(path))).toBe(0);
  });

  test("tells whether it holds anything, without being opened", async () => {
    const path = await newPath();
    const reserve = await openReserve({ path, bytes });
    expect(await reserveIsEmpty(path)).toBe(true);
    await reserve.append(record("a"));
    expect(await reserveIsEmpty(path)).toBe(false);
    await reserve.release(1);
    expect(await reserveIsEmpty(path)).toBe(true);
    await reserve.close();
    expect(await openFiles(dirname(path))).toBe(0);
    await expect(reserveIsEmpty(`${path}.other`)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

async function otherFile(): Promise<string> {
  const path = await newPath();
  await writeFile(path, "");
  return path;
}

/** How many files of this process are open at the path or below it. */
async function openFiles(path: string): Promise<number> {
  const open = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(open)).filter((target) => target.startsWith(path)).length;
}
