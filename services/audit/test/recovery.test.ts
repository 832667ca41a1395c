import { cp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { commitment } from "@wellapi/log-verifier";
import { createLogger } from "@wellapi/runtime";
import { type Store, StoreError } from "@wellapi/store";
import { describe, expect, test } from "vitest";
import { type AuditWorld, ada, bob, leafOf, openAudit, temporaryFolder } from "./harness.ts";

const organization = "org_1";
const outcome = Access_Outcome.PERMITTED;
/** Ids that sort as they arrive, so that with a stopped clock the log has one possible order. */
const leaves = Array.from({ length: 5 }, (_, i) =>
  leafOf(["", ada, bob][i % 3]!, { id: `acc_${i}`, organization, items: i, outcome }),
);
const now = 1_700_000_000_000;

const checkpointOf = async (world: AuditWorld) => (await world.as({}).getCheckpoint({})).checkpoint;
const rootOf = async (world: AuditWorld) => (await checkpointOf(world)).split("\n").slice(1, 3).join(" ");

async function fill(world: AuditWorld, count = 300): Promise<void> {
  await world.intake.append({ leaves: Array.from({ length: count }, () => leafOf(ada)) });
  await world.settled();
}

/** A store of a process that dies at its nth commit, before or after the commit happened. */
function dying(store: Store, at: number, after: boolean): Store {
  let commits = 0;
  return {
    ...store,
    async commit(commit) {
      commits += 1;
      if (commits < at) return store.commit(commit);
      if (commits === at && after) await store.commit(commit);
      throw new StoreError("unavailable", "the process is dead");
    },
  };
}

/** Index and id of all accesses, as those who may see them list them. */
async function listed(world: AuditWorld): Promise<string[]> {
  const viewers = [
    { kind: "operator" },
    { kind: "patient", partition: ada },
    { kind: "patient", partition: bob },
  ] as const;
  const pages = await Promise.all(viewers.map((viewer) => world.as(viewer).listAccesses({})));
  return pages
    .flatMap(({ accesses }) => accesses.map(({ index, access }) => `${index} ${access!.id}`))
    .sort();
}

async function sendAll(world: AuditWorld): Promise<void> {
  await world.intake.append({ leaves: leaves.slice(0, 3) });
  await world.intake.append({ leaves: leaves.slice(3) });
}

/** What the organization's applications called, as it is told: accesses and items. */
async function counted(world: AuditWorld): Promise<string> {
  const { usages } = await world.usageAs({ kind: "application", organization }).listUsage({});
  return usages.map(({ accesses, items }) => `${accesses} ${items}`).join();
}

describe("a crash", () => {
  test.each(["before", "after"])(
    "%s any commit leads to the same root, each leaf once, counted once",
    async (when) => {
      let commits = 0;
      const counting = (store: Store): Store => ({
        ...store,
        commit(commit) {
          commits += 1;
          return store.commit(commit);
        },
      });
      const smooth = await openAudit({ now, wrap: counting });
      await sendAll(smooth);
      await smooth.settled();
      const root = await rootOf(smooth);
      expect(root.startsWith("5 ")).toBe(true);
      expect(commits).toBeGreaterThan(9);

      for (let at = 1; at <= commits; at++) {
        const folder = await temporaryFolder();
        const wrap = (store: Store) => dying(store, at, when === "after");
        const doomed = await openAudit({ folder, now, wrap }).catch(() => undefined);
        if (doomed !== undefined) {
          await sendAll(doomed).catch(() => undefined);
          await doomed.shut();
        }
        // The outboxes send everything that was not answered, and here for good measure the rest, too.
        const world = await openAudit({ folder, now });
        await sendAll(world);
        await world.settled();
        expect(await rootOf(world), `commit ${at}`).toBe(root);
        expect(await listed(world)).toEqual(leaves.map(({ id }, i) => `${i} ${id}`));
        expect(await counted(world), `commit ${at}`).toBe("5 10");
        await world.shut();
      }
    },
  );

  test("between access and entry keeps to the body that is stored, whatever comes next", async () => {
    let failing = true;
    const failOnce = (store: Store): Store => ({
      ...store,
      async commit(commit) {
        const first = commit.changes[0];
        if (failing && first?.kind === "insert" && first.collection === "log_leaves") {
          failing = false;
          throw new StoreError("unavailable", "the process is dead");
        }
        return store.commit(commit);
      },
    });
    const world = await openAudit({ wrap: failOnce });
    const [stored, other] = [leafOf(ada, { id: "acc_same" }), leafOf(ada, { id: "acc_same" })];
    await expect(world.intake.append({ leaves: [stored!] })).rejects.toMatchObject({ code: 14 });
    // One partition's leaves share a commit: what is known already must not cost its neighbour the place.
    const neighbour = leafOf(ada, { id: "acc_neighbour" });
    await world.intake.append({ leaves: [other!, neighbour] });
    await world.settled();
    const reader = world.as({ kind: "patient", partition: ada });
    expect((await reader.getAccess({ access: "acc_neighbour" })).access!.nonce).toEqual(neighbour.nonce);
    const { access } = await reader.getAccess({ access: "acc_same" });
    // Each entry of 32 bytes stands behind its length.
    const at = 34 * Number(access!.index) + 2;
    const entry = (await world.tiles.read("tile/entries/000.p/2"))!.subarray(at, at + 32);
    expect(Buffer.from(entry)).toEqual(Buffer.from(commitment(access!.nonce, access!.body)));
    expect(access!.nonce).toEqual(stored!.nonce);
  });

  test("between integrating and publishing publishes at the next start", async () => {
    const world = await openAudit();
    await fill(world, 3);
    const published = await checkpointOf(world);
    await fill(world, 2);
    await world.shut();
    await writeFile(join(world.folder, "log", "checkpoint"), published);
    await writeFile(join(world.folder, "log", "checkpoint.new"), "half a che");
    const again = await openAudit({ folder: world.folder });
    expect(await checkpointOf(again)).toBe(await checkpointOf(world));
  });
});

describe("the tile cache", () => {
  test("may be deleted, whole or in part, or be damaged: the root stays", async () => {
    const world = await openAudit();
    await fill(world, 600);
    const checkpoint = await checkpointOf(world);
    const proofOf = async (one: AuditWorld) => one.as({}).getInclusionProof({ index: 300n, size: 600n });
    const proof = await proofOf(world);
    const directory = join(world.folder, "log");
    expect(await readdir(join(directory, "tile", "0"))).toContain("000");
    await world.shut();
    for (const damage of [
      () => rm(join(directory, "tile"), { recursive: true }),
      () => rm(join(directory, "tile", "0", "001")),
      () => writeFile(join(directory, "tile", "0", "000"), "short"),
      () => writeFile(join(directory, "tile", "0", "000"), new Uint8Array(256 * 32)),
    ]) {
      await damage();
      const again = await openAudit({ folder: world.folder });
      expect(await checkpointOf(again)).toBe(checkpoint);
      expect(await proofOf(again)).toEqual(proof);
      await again.shut();
    }
  });
});

describe("the start is refused", () => {
  async function openGrown() {
    const world = await openAudit();
    await fill(world, 300);
    await world.shut();
    const { folder } = world;
    await cp(join(folder, "store"), join(folder, "backup"), { recursive: true });
    await cp(join(folder, "log"), join(folder, "then"), { recursive: true });
    return { folder };
  }
  async function restore(folder: string) {
    await rm(join(folder, "store"), { recursive: true });
    await cp(join(folder, "backup"), join(folder, "store"), { recursive: true });
  }
  const behind = { name: "AuditError", code: "behind_checkpoint" };

  test("where nobody knows what was published", async () => {
    const { folder } = await openGrown();
    await rm(join(folder, "log", "checkpoint"));
    await expect(openAudit({ folder })).rejects.toMatchObject(behind);
  });

  test("behind the published checkpoint", async () => {
    const { folder } = await openGrown();
    const world = await openAudit({ folder });
    await fill(world, 1);
    await world.shut();
    await restore(folder);
    await expect(openAudit({ folder })).rejects.toMatchObject(behind);
  });

  test("with other entries than those published", async () => {
    const { folder } = await openGrown();
    const world = await openAudit({ folder });
    await fill(world, 300);
    await world.shut();
    // The backup grows elsewhere, past the size that was published here.
    await restore(folder);
    await cp(join(folder, "log"), join(folder, "published"), { recursive: true });
    await rm(join(folder, "log"), { recursive: true });
    await cp(join(folder, "then"), join(folder, "log"), { recursive: true });
    const fork = await openAudit({ folder });
    await fill(fork, 400);
    await fork.shut();
    await rm(join(folder, "log"), { recursive: true });
    await cp(join(folder, "published"), join(folder, "log"), { recursive: true });
    await expect(openAudit({ folder })).rejects.toMatchObject(behind);
  });

  test("with an empty store, or another log's", async () => {
    const { folder } = await openGrown();
    await rm(join(folder, "store"), { recursive: true });
    await expect(openAudit({ folder })).rejects.toMatchObject(behind);
    const other = await openAudit();
    await fill(other, 301);
    await other.shut();
    await cp(join(folder, "log", "checkpoint"), join(other.folder, "log", "checkpoint"));
    await expect(openAudit({ folder: other.folder })).rejects.toMatchObject(behind);
  });
});

describe("the start is not refused", () => {
  test("with an entry that is missing: the log names it, and goes on", async () => {
    const world = await openAudit();
    await fill(world, 300);
    await world.shut();
    const { folder } = world;
    const remove = (store: Store): Store => ({
      ...store,
      async scan(collection, scan) {
        const page = await store.scan(collection, scan);
        if (collection !== "log_entries") return page as never;
        const documents = page.documents.filter(({ document }) => document.index !== 290);
        return { ...page, documents } as never;
      },
    });
    const lines: string[] = [];
    const log = createLogger({
      name: "test",
      env: {},
      destination: { write: (line) => void lines.push(line) },
    });
    const again = await openAudit({ folder, wrap: remove, log });
    expect(lines.join("")).toContain("entry 290 of the log");
    await fill(again, 1);
    expect(await rootOf(again)).toMatch(/^301 /);
  });
});

test("no timer runs when there is nothing to do", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const world = await openAudit();
  await fill(world, 5);
  // One that runs again and again is always there; others end.
  for (let turn = 0; turn < 750 && timers() > before; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(timers()).toBeLessThanOrEqual(before);
});
