import type { DamagedDocument } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";
import { expect, test } from "vitest";
import { reportDamage } from "../src/signals/damage.ts";

/** A store of which each call fails in one way. */
function failing(code: ConstructorParameters<typeof StoreError>[0]): Store {
  const fail = async () => {
    throw new StoreError(code, "as the disk is");
  };
  return {
    commit: fail,
    get: fail,
    scan: fail,
    count: fail,
    readOutbox: fail,
    deleteOutbox: fail,
    scrub: fail,
    close: async () => {},
  };
}

test("damage of a store's file is told with the collection that was asked for, and passed on", async () => {
  const told: DamagedDocument[] = [];
  const store = reportDamage(failing("damaged"), { report: (damaged) => told.push(damaged) });
  const change = { kind: "delete", collection: "heads", key: ["local/pat_1"] } as const;
  for (const call of [
    () => store.get("blocks", ["local/pat_1", "b", 0]),
    () => store.scan("series", { equals: [], limit: 1 }),
    () => store.commit({ partition: "local/pat_1", changes: [change] }),
    () => store.readOutbox(1),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: "damaged" });
  }
  expect(told.map(({ collection, document }) => [collection, document])).toEqual([
    ["blocks", []],
    ["series", []],
    ["heads", []],
    ["outbox", []],
  ]);
});

test("a store that is away is no damage", async () => {
  const told: unknown[] = [];
  const store = reportDamage(failing("unavailable"), { report: (damaged) => told.push(damaged) });
  await expect(store.get("blocks", ["p", "b", 0])).rejects.toMatchObject({ code: "unavailable" });
  expect(told).toEqual([]);
});
