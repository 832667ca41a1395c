import { expect, test } from "vitest";
import { ClosersError, createClosers } from "../src/closers.ts";

test("unwinds in reverse, one after the other", async () => {
  const closers = createClosers();
  const order: string[] = [];
  closers.push("store", async () => {
    await Promise.resolve();
    order.push("store");
  });
  closers.push("server", async () => {
    await Promise.resolve();
    order.push("server");
  });
  await Promise.all([closers.closeAll(), closers.closeAll()]);
  expect(order).toEqual(["server", "store"]);
});

test("a closer that fails keeps no other from closing, and is named", async () => {
  const closers = createClosers();
  const order: string[] = [];
  closers.push("store", () => {
    order.push("store");
  });
  closers.push("server", () => {
    throw new Error("still busy");
  });
  await expect(closers.closeAll()).rejects.toThrow(ClosersError);
  await expect(closers.closeAll()).rejects.toThrow("could not close server: still busy");
  expect(order).toEqual(["store"]);
});

test("a failure while opening closes what was opened and stays the error", async () => {
  const closers = createClosers();
  const order: string[] = [];
  const opening = closers.guard(async () => {
    closers.push("store", () => {
      order.push("store");
    });
    throw new Error("port taken");
  });
  await expect(opening).rejects.toThrow("port taken");
  expect(order).toEqual(["store"]);
});
