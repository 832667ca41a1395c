import { cp, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { leafHash } from "@wellapi/merkle";
import { openSqliteReader, openSqliteStore, type Store } from "@wellapi/store";
import { openLocalKms, vaultCollections } from "@wellapi/vault";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  auditCollections,
  entriesOfMirror,
  entriesOfStore,
  type RepairOptions,
  repairLog,
} from "../src/index.ts";
import { type AuditWorld, ada, leafOf, openAudit, trustDomain } from "./harness.ts";

const collections = [...auditCollections, ...vaultCollections];
const dropTiles = (folder: string) => rm(join(folder, "log", "tile"), { recursive: true });

async function grown(): Promise<{ folder: string; backup: string }> {
  const world = await openAudit();
  await world.intake.append({ leaves: Array.from({ length: 300 }, () => leafOf(ada)) });
  await world.settled();
  await world.shut();
  const backup = join(world.folder, "backup");
  await mkdir(backup);
  await cp(join(world.folder, "store"), backup, { recursive: true });
  return { folder: world.folder, backup };
}

async function withStore<T>(folder: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore({
    thread: "callers",
    path: join(folder, "store", "store.db"),
    collections,
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Another byte in an entry; the access of the entry forgotten, where `forget` says so. */
async function damage(folder: string, index: number, forget = false): Promise<void> {
  await withStore(folder, async (store) => {
    const stored = (await store.get("log_entries", ["log", index]))!;
    const entry = Uint8Array.from(stored.document.entry as Uint8Array);
    entry[9]! ^= 4;
    const document = { ...stored.document, entry };
    const change = {
      kind: "replace",
      collection: "log_entries",
      document,
      ifRevision: stored.revision,
    } as const;
    await store.commit({ partition: "log", changes: [change] });
    if (!forget) return;
    const { documents } = await store.scan("log_leaves", { equals: ["log"], limit: 1_000 });
    const id = String(documents.find(({ document: leaf }) => leaf.index === index)!.document.id);
    const remove = { kind: "delete", collection: "accesses", key: [ada, id] } as const;
    await store.commit({ partition: ada, changes: [remove] });
  });
}

async function repair(folder: string, elsewhere?: RepairOptions["elsewhere"]) {
  const kms = await openLocalKms({ path: join(folder, "master.key") });
  const directory = join(folder, "log");
  return withStore(folder, (store) =>
    repairLog({
      store,
      kms,
      trustDomain,
      directory,
      publishedDirectory: directory,
      ...(elsewhere && { elsewhere }),
    }),
  ).finally(() => kms.close());
}

/** The log shows every bundle, and grows. */
async function expectWhole(folder: string): Promise<void> {
  const world = await openAudit({ folder });
  for (const path of ["tile/entries/000", "tile/entries/001.p/44"]) {
    expect((await world.as({}).getLogFile({ path })).content.length).toBeGreaterThan(0);
  }
  await world.intake.append({ leaves: [leafOf(ada)] });
  await world.settled();
  expect(await sizeOf(world)).toBe(301);
}

const sizeOf = async (world: AuditWorld) =>
  Number((await world.as({}).getCheckpoint({})).checkpoint.split("\n")[1]);

describe("repair puts back", () => {
  test("nothing in a log that is whole", async () => {
    const { folder } = await grown();
    expect(await repair(folder)).toEqual({ repaired: [], tree: false, left: [] });
  });

  test.each([
    ["with its tile", async () => {}],
    ["without", dropTiles],
  ])("an entry from its access's own copy, %s", async (_name, prepare) => {
    const { folder } = await grown();
    await damage(folder, 17);
    await prepare(folder);
    expect(await repair(folder)).toEqual({ repaired: [17], tree: false, left: [] });
    await expectWhole(folder);
  });

  test.each([
    ["with its tile", async () => {}],
    ["without", dropTiles],
  ])("an entry from a backup, %s, where its access is gone", async (_name, prepare) => {
    const { folder, backup } = await grown();
    await damage(folder, 17, true);
    await prepare(folder);
    expect((await repair(folder)).left).not.toEqual([]);
    const reader = openSqliteReader(join(backup, "store.db"), collections);
    try {
      expect(await repair(folder, entriesOfStore(reader.store))).toMatchObject({ repaired: [17], left: [] });
    } finally {
      reader.close();
    }
    await expectWhole(folder);
  });

  test("an entry from a mirror, and never one that the tree does not have", async () => {
    const { folder, backup } = await grown();
    const reader = openSqliteReader(join(backup, "store.db"), collections);
    const own = entriesOfStore(reader.store);
    let lie = true;
    // Serves partial bundles alone, as a mirror of a younger log.
    const server = createServer(async (request, response) => {
      const found = /^\/log\/tile\/entries\/000\.p\/(\d+)$/.exec(request.url ?? "");
      if (found === null) return response.writeHead(404).end();
      const entries = (await own(0, Number(found[1]))).map((entry) => Uint8Array.from(entry!));
      if (lie) entries[17]![0]! ^= 1;
      const length = Buffer.from([0, 32]);
      response.end(Buffer.concat(entries.flatMap((entry) => [length, entry])));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => {
      server.close();
      reader.close();
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const mirror = entriesOfMirror(`http://127.0.0.1:${(server.address() as AddressInfo).port}/log`);
    await damage(folder, 17, true);
    expect(await repair(folder, mirror)).toEqual({
      repaired: [],
      tree: false,
      left: [{ start: 17, end: 18 }],
    });
    lie = false;
    expect(await repair(folder, mirror)).toEqual({ repaired: [17], tree: false, left: [] });
    await expectWhole(folder);
  });

  test("the stored tree, where the entries lead to the published one", async () => {
    const { folder } = await grown();
    await withStore(folder, async (store) => {
      const stored = (await store.get("log_state", ["log", "tree"]))!;
      const frontier = Uint8Array.from(stored.document.frontier as Uint8Array);
      frontier.set(leafHash(new Uint8Array(1)), 8);
      const document = { ...stored.document, frontier };
      const change = {
        kind: "replace",
        collection: "log_state",
        document,
        ifRevision: stored.revision,
      } as const;
      await store.commit({ partition: "log", changes: [change] });
    });
    expect(await repair(folder)).toEqual({ repaired: [], tree: true, left: [] });
    await expectWhole(folder);
  });
});
