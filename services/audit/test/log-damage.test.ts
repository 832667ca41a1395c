import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { verifyAccess } from "@wellapi/log-verifier";
import { problemOf } from "@wellapi/rpc";
import { createLogger } from "@wellapi/runtime";
import type { Document, Store } from "@wellapi/store";
import { describe, expect, test } from "vitest";
import { type AuditWorld, ada, leafOf, openAudit } from "./harness.ts";

type Options = NonNullable<Parameters<typeof openAudit>[0]>;
type Leaf = ReturnType<typeof leafOf>;

const sizeOf = async (world: AuditWorld) =>
  Number((await world.as({}).getCheckpoint({})).checkpoint.split("\n")[1]);

async function add(world: AuditWorld, count: number): Promise<Leaf[]> {
  const leaves = Array.from({ length: count }, () => leafOf(ada));
  await world.intake.append({ leaves });
  await world.settled();
  return leaves;
}

/** A log of 300 entries: one full tile, which is kept, and a part of the next. */
async function grown() {
  const world = await openAudit();
  const sent = new Map((await add(world, 300)).map((leaf) => [leaf.id, leaf]));
  const { documents } = await world.store.scan("log_leaves", { equals: ["log"], limit: 1_000 });
  const leaves: Leaf[] = [];
  for (const { document } of documents) leaves[document.index as number] = sent.get(String(document.id))!;
  return { world, leaves, folder: world.folder };
}

/** As a disk does it, or an intruder: one bit of a stored document is another. */
async function flip(store: Store, collection: string, key: readonly (string | number)[], field: string) {
  const stored = (await store.get(collection, ["log", ...key]))!;
  const bytes = Uint8Array.from(stored.document[field] as Uint8Array);
  bytes[bytes.length >> 1]! ^= 1;
  await replace(store, collection, { ...stored.document, [field]: bytes }, stored.revision);
}

async function replace(store: Store, collection: string, document: Document, ifRevision: number) {
  const change = { kind: "replace" as const, collection, document, ifRevision };
  expect((await store.commit({ partition: "log", changes: [change] })).committed).toBe(true);
}

const flipEntry = (world: AuditWorld, index: number) => flip(world.store, "log_entries", [index], "entry");
const dropTiles = (folder: string) => rm(join(folder, "log", "tile"), { recursive: true });

async function reopen(folder: string, options: Options = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    env: {},
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const world = await openAudit({ folder, log, ...options });
  const told = () =>
    lines.flatMap(({ collection, document }) =>
      document === undefined ? [] : [`${collection}: ${document}`],
    );
  return { world, told, lines };
}

/** `OK`, or the reason and the code of the refusal. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "OK";
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    return `${problemOf(error).reason} ${Code[error.code]}`;
  }
}

const file = (world: AuditWorld, path: string) => world.as({}).getLogFile({ path });

/** Proves an access as a patient does it. */
async function prove(world: AuditWorld, leaf: Leaf): Promise<number> {
  const client = world.as({ kind: "patient", id: "pat_ada", partition: ada });
  const { access } = await client.getAccess({ access: leaf.id });
  const { checkpoint, verifierKey } = await client.getCheckpoint({});
  const size = BigInt(checkpoint.split("\n")[1]!);
  const { hashes } = await client.getInclusionProof({ index: access!.index, size });
  const { body, nonce, index } = access!;
  const proven = verifyAccess({
    body,
    nonce,
    index: Number(index),
    checkpoint,
    verifierKeys: [verifierKey],
    proof: hashes,
  });
  expect(proven.access.id).toBe(leaf.id);
  return Number(index);
}

describe("an entry whose bytes were changed", () => {
  test.each([
    ["with its tile", async () => {}, 100],
    ["without a tile, found by the access's own copy", dropTiles, 100],
    ["in the last tile, which is not full", async () => {}, 256],
  ])("%s: is named, is not served, and the log goes on", async (_name, prepare, index) => {
    const { world, leaves, folder } = await grown();
    await flipEntry(world, index);
    await world.shut();
    await prepare(folder);
    const { world: again, told, lines } = await reopen(folder);
    expect(told()).toEqual([`log_entries: log ${index}`]);
    expect(lines.map(({ msg }) => msg).join()).toContain("wellapi audit repair");

    const bundles = ["tile/entries/000", "tile/entries/001.p/44"];
    const [hit, other] = index < 256 ? bundles : bundles.toReversed();
    expect(await outcome(file(again, hit!))).toBe("LOG_DAMAGED DataLoss");
    await expect(file(again, hit!)).rejects.toThrow(`entry ${index} `);
    expect(await outcome(file(again, other!))).toBe("OK");
    // The tree is whole: everything else is proven, and what is new is signed.
    for (const place of [0, index - 1, index + 1, 255, 299])
      expect(await prove(again, leaves[place]!)).toBe(place);
    expect(await outcome(prove(again, leaves[index]!))).toBe("LOG_DAMAGED DataLoss");
    const [fresh] = await add(again, 1);
    expect(await prove(again, fresh!)).toBe(300);
  });

  test("is met by the reader of its bundle, in a process that runs, and the check then names it", async () => {
    const { world, folder } = await grown();
    await world.shut();
    const { world: running, told } = await reopen(folder);
    expect(await outcome(file(running, "tile/entries/000"))).toBe("OK");
    await flipEntry(running, 7);
    expect(await outcome(file(running, "tile/entries/000"))).toBe("LOG_DAMAGED DataLoss");
    await expect.poll(told).toEqual(["log_entries: log 7"]);
  });

  test("of a large log is found in the background, and the service serves meanwhile", async () => {
    const { world, folder } = await grown();
    await flipEntry(world, 100);
    await world.shut();
    const { world: again, told } = await reopen(folder, { checkedAtStart: 0 });
    expect(await sizeOf(again)).toBe(300);
    await expect.poll(told).toEqual(["log_entries: log 100"]);
  });

  test("that no copy is left of is told as a range: what needs it is refused, the rest is proven", async () => {
    const { world, leaves, folder } = await grown();
    await flipEntry(world, 3);
    await world.store.commit({
      partition: ada,
      changes: [{ kind: "delete", collection: "accesses", key: [ada, leaves[3]!.id] }],
    });
    await world.shut();
    await dropTiles(folder);
    const { world: again, told } = await reopen(folder);
    expect(told()).toEqual(["log_entries: log 0-255"]);
    expect(await outcome(file(again, "tile/entries/000"))).toBe("LOG_DAMAGED DataLoss");
    expect(await outcome(file(again, "tile/0/000"))).toBe("LOG_DAMAGED DataLoss");
    expect(await outcome(file(again, "tile/entries/001.p/44"))).toBe("OK");
    // A tile that is made before the check, of entries that nobody has compared, is not kept.
    await again.shut();
    const { world: large, told: toldLater } = await reopen(folder, { checkedAtStart: 0 });
    await outcome(file(large, "tile/0/000"));
    await expect.poll(toldLater).toEqual(["log_entries: log 0-255"]);
    expect(await outcome(file(large, "tile/0/000"))).toBe("LOG_DAMAGED DataLoss");
    // The signature of the published checkpoint confirms the tree, so it grows.
    await add(large, 1);
    expect(await sizeOf(large)).toBe(301);
  });
});

test("a damaged file of the tiles is made again, and hides no entry", async () => {
  const { world, leaves, folder } = await grown();
  await world.shut();
  await writeFile(join(folder, "log", "tile", "0", "000"), new Uint8Array(256 * 32));
  const { world: again, told } = await reopen(folder);
  expect(told()).toEqual([]);
  expect(await outcome(file(again, "tile/entries/000"))).toBe("OK");
  await prove(again, leaves[0]!);
});

describe("a stored tree that nothing confirms", () => {
  async function expectStopped(world: AuditWorld, size: number) {
    expect(await outcome(world.intake.append({ leaves: [leafOf(ada)] }))).toBe("LOG_DAMAGED Unavailable");
    await world.settled();
    expect(await sizeOf(world)).toBe(size);
    const proof = world.as({}).getInclusionProof({ index: 1n, size: BigInt(size) });
    expect(await outcome(proof)).toBe("LOG_DAMAGED DataLoss");
  }

  test.each(["changed", "unreadable"])(
    "(%s) takes no entries and signs nothing; the start is not refused",
    async (how) => {
      const { world, folder } = await grown();
      if (how === "changed") await flip(world.store, "log_state", ["tree"], "frontier");
      else {
        const stored = (await world.store.get("log_state", ["log", "tree"]))!;
        await replace(
          world.store,
          "log_state",
          { ...stored.document, frontier: new Uint8Array(5) },
          stored.revision,
        );
      }
      await world.shut();
      const { world: again, told, lines } = await reopen(folder);
      expect(told()).toEqual(["log_state: log tree"]);
      expect(lines.map(({ msg }) => msg).join()).toContain("wellapi audit repair");
      await expectStopped(again, 300);
      expect(await outcome(file(again, "tile/entries/000"))).toBe("OK");
    },
  );

  test("is not signed where it was changed under a process that runs", async () => {
    const { world, folder } = await grown();
    await world.shut();
    const { world: running, told } = await reopen(folder);
    await add(running, 1);
    await flip(running.store, "log_state", ["tree"], "frontier");
    await running.intake.append({ leaves: [leafOf(ada)] });
    await running.settled();
    await expectStopped(running, 301);
    expect(told()).toEqual(["log_state: log tree"]);
  });
});
