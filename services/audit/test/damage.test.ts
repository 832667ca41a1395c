import { Code, ConnectError } from "@connectrpc/connect";
import { verifyAccess } from "@wellapi/log-verifier";
import { problemOf } from "@wellapi/rpc";
import { createLogger } from "@wellapi/runtime";
import { expect, test } from "vitest";
import { ada, bob, leafOf, openAudit } from "./harness.ts";

async function openDamaged() {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    env: {},
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const world = await openAudit({ log });
  const leaves = [0, 1, 2].map((i) => leafOf(ada, { method: `a.B/C${i}` }, 1_700_000_000_000 + i));
  const others = [leafOf(bob), leafOf("", { method: "a.B/Operator" })];
  await world.intake.append({ leaves: [...leaves, ...others] });
  await world.settled();

  /** As a disk does it: one bit of what is stored of the access is another. */
  const flip = async (partition: string, id: string) => {
    const stored = (await world.store.get("accesses", [partition, id]))!;
    const sealed = Uint8Array.from(stored.document.sealed as Uint8Array);
    sealed[sealed.length >> 1]! ^= 1;
    const change = {
      kind: "replace" as const,
      collection: "accesses",
      document: { ...stored.document, sealed },
      ifRevision: stored.revision,
    };
    expect((await world.store.commit({ partition, changes: [change] })).committed).toBe(true);
  };
  return { world, leaves, others, flip, lines };
}

test("the other accesses are listed, and the damaged one says that it is", async () => {
  const { world, leaves, flip, lines } = await openDamaged();
  const hit = leaves[1]!;
  await flip(ada, hit.id);
  const client = world.as({ kind: "patient", id: "pat_ada", partition: ada });
  const { accesses } = await client.listAccesses({});
  expect(accesses.map(({ id, damaged }) => [id, damaged])).toEqual([
    [leaves[2]!.id, false],
    [hit.id, true],
    [leaves[0]!.id, false],
  ]);
  const [newest, damaged] = accesses;
  expect(newest!.access!.method).toBe("a.B/C2");
  expect(damaged!.access).toBeUndefined();
  expect([damaged!.body.length, damaged!.nonce.length]).toEqual([0, 0]);

  // What the log has published of it is whole: whoever has the access elsewhere can prove it.
  const { checkpoint, verifierKey } = await client.getCheckpoint({});
  const size = BigInt(checkpoint.split("\n")[1]!);
  const { hashes } = await client.getInclusionProof({ index: damaged!.index, size });
  const proven = verifyAccess({
    body: hit.body,
    nonce: hit.nonce,
    index: Number(damaged!.index),
    checkpoint,
    verifierKeys: [verifierKey],
    proof: hashes,
  });
  expect(proven.access.id).toBe(hit.id);

  await client.listAccesses({});
  expect(
    lines.map(({ level, collection, document, service }) => [level, service, collection, document]),
  ).toEqual([["error", "audit", "accesses", `${ada} ${hit.id}`]]);
});

test("to get it is DATA_LOSS, for those only who might have seen it", async () => {
  const { world, leaves, others, flip } = await openDamaged();
  await flip(ada, leaves[0]!.id);
  await flip("installation", others[1]!.id);
  const get = async (principal: Parameters<typeof world.as>[0], access: string) => {
    const error = await world
      .as(principal)
      .getAccess({ access })
      .then(
        () => undefined,
        (thrown: unknown) => ConnectError.from(thrown),
      );
    return error === undefined ? "OK" : [problemOf(error).reason, Code[error.code]];
  };
  const asAda = { kind: "patient", id: "pat_ada", partition: ada } as const;
  expect(await get(asAda, leaves[0]!.id)).toEqual(["DATA_DAMAGED", "DataLoss"]);
  expect(await get(asAda, leaves[1]!.id)).toBe("OK");
  const asBob = { kind: "patient", id: "pat_bob", partition: bob } as const;
  expect(await get(asBob, leaves[0]!.id)).toEqual(["NOT_FOUND", "NotFound"]);
  expect(await get(asBob, others[0]!.id)).toBe("OK");
  const operator = { kind: "operator", id: "opr_1" } as const;
  expect(await get(operator, others[1]!.id)).toEqual(["DATA_DAMAGED", "DataLoss"]);
});
