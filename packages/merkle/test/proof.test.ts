import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ConsistencyClaim,
  consistencyProof,
  emptyRoot,
  type InclusionClaim,
  inclusionProof,
  MerkleError,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import {
  flip,
  hex,
  numberedLeaves,
  referencePath,
  referenceRoot,
  referenceSubproof,
  shelfOf,
} from "./reference-tree.ts";

const invalid = expect.objectContaining({ name: "MerkleError", code: "proof_invalid" });
const invalidArgument = { name: "MerkleError", code: "invalid_argument" };

// Every pair of sizes up to 33, and sizes around one tile and two.
const LARGEST = 515;
const leaves = numberedLeaves(LARGEST);
const shelf = shelfOf(leaves);
const roots: Uint8Array[] = [];
const SMALL = Array.from({ length: 34 }, (_, size) => size);
const SIZES = [...SMALL, 255, 256, 257, 511, 512, 513, LARGEST];

beforeAll(() => {
  for (const size of SIZES) roots[size] = referenceRoot(leaves.slice(0, size));
});

async function inclusionClaim(index: number, size: number): Promise<InclusionClaim> {
  const proof = await inclusionProof(index, size, shelf.read);
  return { leafHash: leaves[index]!, index, size, root: roots[size]!, proof };
}

async function consistencyClaim(from: number, to: number): Promise<ConsistencyClaim> {
  const proof = await consistencyProof(from, to, shelf.read);
  return { from: { size: from, root: roots[from]! }, to: { size: to, root: roots[to]! }, proof };
}

/** A size, and another that is not above it. */
const pair = fc
  .tuple(fc.constantFrom(...SIZES), fc.constantFrom(...SIZES))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const leafOfTree = fc
  .constantFrom(...SIZES.slice(1))
  .chain((size) => fc.tuple(fc.nat({ max: size - 1 }), fc.constant(size)));

describe("proofs against the RFC's own recursion", () => {
  test("inclusion, every leaf of every small tree", async () => {
    for (const size of SMALL)
      for (let index = 0; index < size; index++) {
        const claim = await inclusionClaim(index, size);
        expect(hex(claim.proof)).toEqual(hex(referencePath(index, leaves.slice(0, size))));
        verifyInclusion(claim);
      }
  });

  test("consistency, every pair of small sizes", async () => {
    for (const to of SMALL)
      for (let from = 0; from <= to; from++) {
        const claim = await consistencyClaim(from, to);
        const expected = from === 0 ? [] : referenceSubproof(from, leaves.slice(0, to));
        expect(hex(claim.proof)).toEqual(hex(expected));
        verifyConsistency(claim);
      }
  });

  test("trees of several tiles", async () => {
    await fc.assert(
      fc.asyncProperty(leafOfTree, pair, async ([index, size], [from, to]) => {
        verifyInclusion(await inclusionClaim(index, size));
        verifyConsistency(await consistencyClaim(from, to));
      }),
    );
  });

  test("read each tile once", async () => {
    const counted = shelfOf(leaves);
    await inclusionProof(300, LARGEST, counted.read);
    // Tile 1 of level 0 (the leaf's), tile 2 (the edge's) and the partial tile of level 1.
    expect(counted.reads).toBe(3);
  });
});

describe("a proof that is not exactly right is refused", () => {
  test("inclusion: any bit of the leaf, the root or the proof", async () => {
    await fc.assert(
      fc.asyncProperty(leafOfTree, fc.nat(), fc.nat(), async ([index, size], which, bit) => {
        const claim = await inclusionClaim(index, size);
        const at = which % (claim.proof.length + 2);
        const forged: InclusionClaim = {
          ...claim,
          leafHash: at === 0 ? flip(claim.leafHash, bit) : claim.leafHash,
          root: at === 1 ? flip(claim.root, bit) : claim.root,
          proof: claim.proof.map((hash, i) => (i === at - 2 ? flip(hash, bit) : hash)),
        };
        expect(() => verifyInclusion(forged)).toThrow(invalid);
      }),
      { numRuns: 400 },
    );
  });

  test("consistency: any bit of a root or the proof", async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.nat(), fc.nat(), async ([from, to], which, bit) => {
        const claim = await consistencyClaim(from, to);
        // The empty tree is consistent with every tree, so there a proof cannot bind the newer root.
        const fields = from === 0 && to > 0 ? 1 : claim.proof.length + 2;
        const at = which % fields;
        const forged: ConsistencyClaim = {
          from: { size: from, root: at === 0 ? flip(claim.from.root, bit) : claim.from.root },
          to: { size: to, root: at === 1 ? flip(claim.to.root, bit) : claim.to.root },
          proof: claim.proof.map((hash, i) => (i === at - 2 ? flip(hash, bit) : hash)),
        };
        expect(() => verifyConsistency(forged)).toThrow(invalid);
      }),
      { numRuns: 400 },
    );
  });

  test("a hash too many or too few, anywhere", async () => {
    for (const size of SMALL.slice(1))
      for (let index = 0; index < size; index++) {
        const inclusion = await inclusionClaim(index, size);
        for (const proof of misshapen(inclusion.proof, inclusion.root))
          expect(() => verifyInclusion({ ...inclusion, proof })).toThrow(invalid);
        const consistency = await consistencyClaim(index, size);
        for (const proof of misshapen(consistency.proof, consistency.from.root))
          expect(() => verifyConsistency({ ...consistency, proof })).toThrow(invalid);
      }
  });

  test("another place in the tree, a size turned round", async () => {
    const inclusion = await inclusionClaim(5, 8);
    for (const index of [4, 6, 7, 13, 8, -1, 5.5, Number.NaN, 2 ** 53])
      expect(() => verifyInclusion({ ...inclusion, index })).toThrow(invalid);
    for (const size of [0, 4, 16, -8, Number.POSITIVE_INFINITY])
      expect(() => verifyInclusion({ ...inclusion, size })).toThrow(invalid);
    const { from, to, proof } = await consistencyClaim(6, 8);
    expect(() => verifyConsistency({ from: to, to: from, proof })).toThrow(invalid);
    expect(() => verifyConsistency({ from: { ...from, size: 8 }, to, proof: [] })).toThrow(invalid);
  });

  test("hashes that fit each other, but not the tree's height", () => {
    const [a, b] = [leaves[0]!, leaves[1]!];
    const root = nodeHash(a, b);
    verifyInclusion({ leafHash: b, index: 1, size: 2, root, proof: [a] });
    expect(() => verifyInclusion({ leafHash: b, index: 0, size: 1, root, proof: [a] })).toThrow(invalid);
    expect(() => verifyInclusion({ leafHash: a, index: 0, size: 4, root, proof: [b] })).toThrow(invalid);
    const from = { size: 1, root: a };
    verifyConsistency({ from, to: { size: 2, root }, proof: [b] });
    expect(() => verifyConsistency({ from, to: { size: 4, root }, proof: [b] })).toThrow(invalid);
  });

  test("sizes and places that are no numbers of a tree, though the hashes fit", () => {
    const root = leaves[0]!;
    const claim = { leafHash: root, index: 0, size: 1, root, proof: [] };
    verifyInclusion(claim);
    for (const wrong of [
      { index: 1 },
      { index: -1 },
      { index: 0.5 },
      { index: "0" },
      { size: "1" },
      { size: 2 ** 53 },
    ])
      expect(() => verifyInclusion({ ...claim, ...(wrong as object) })).toThrow(invalid);
    const tree = { size: 1, root };
    verifyConsistency({ from: tree, to: tree, proof: [] });
    for (const size of ["1", -1, 1.5, 2 ** 53])
      for (const odd of [
        { from: { size, root }, to: { size, root } },
        { from: tree, to: { size, root } },
      ])
        expect(() => verifyConsistency({ ...odd, proof: [] } as ConsistencyClaim)).toThrow(invalid);
  });

  test("hashes of another length, though they fit each other", () => {
    const [a, b] = [leaves[0]!, leaves[1]!];
    const claim = { index: 0, size: 2, leafHash: a, proof: [b], root: nodeHash(a, b) };
    verifyInclusion(claim);
    for (const length of [0, 31, 33, 64]) {
      const odd = new Uint8Array(length).fill(7);
      for (const wrong of [
        { leafHash: odd, root: nodeHash(odd, b) },
        { proof: [odd], root: nodeHash(a, odd) },
        { size: 1, leafHash: odd, root: odd, proof: [] },
      ])
        expect(() => verifyInclusion({ ...claim, ...wrong })).toThrow(invalid);
      const one = { size: 1, root: a };
      for (const wrong of [
        { from: { size: 1, root: odd }, to: { size: 2, root: nodeHash(odd, b) }, proof: [b] },
        { from: one, to: { size: 2, root: nodeHash(a, odd) }, proof: [odd] },
        { from: { size: 0, root: emptyRoot() }, to: { size: 2, root: odd }, proof: [] },
        { from: { size: 3, root: odd }, to: { size: 3, root: odd }, proof: [] },
      ])
        expect(() => verifyConsistency(wrong)).toThrow(invalid);
    }
  });

  test("a newer tree that is smaller, or a hash behind the last, though the hashes fit", async () => {
    const [root, extra] = [leaves[0]!, leaves[9]!];
    const shrunk = { from: { size: 2, root }, to: { size: 1, root }, proof: [] };
    expect(() => verifyConsistency(shrunk)).toThrow(invalid);
    const { from, to, proof } = await consistencyClaim(3, 4);
    const higher = {
      from: { ...from, root: nodeHash(extra, from.root) },
      to: { ...to, root: nodeHash(extra, to.root) },
    };
    expect(() => verifyConsistency({ ...higher, proof: [...proof, extra] })).toThrow(invalid);
  });

  test("what is no list, or no tree, beside what is right", async () => {
    const inclusion = await inclusionClaim(5, 8);
    const consistency = await consistencyClaim(3, 8);
    const whole = { length: 0, every: () => true, *[Symbol.iterator]() {} };
    for (const odd of [undefined, null, 5, "", "abc", {}, new Set(), { length: 0 }, whole]) {
      expect(() => verifyInclusion({ ...inclusion, proof: odd as never })).toThrow(invalid);
      expect(() => verifyConsistency({ ...consistency, proof: odd as never })).toThrow(invalid);
      expect(() => verifyConsistency({ ...consistency, from: odd as never })).toThrow(invalid);
      expect(() => verifyConsistency({ ...consistency, to: odd as never })).toThrow(invalid);
    }
    const single = { leafHash: leaves[0]!, index: 0, size: 1, root: leaves[0]! };
    expect(() => verifyInclusion({ ...single, proof: whole as never })).toThrow(invalid);
  });

  test("two trees of size 0 or 1 that differ", () => {
    const other = leaves[3]!;
    const empty = { size: 0, root: emptyRoot() };
    verifyConsistency({ from: empty, to: empty, proof: [] });
    verifyConsistency({ from: empty, to: { size: 9, root: other }, proof: [] });
    for (const claim of [
      { from: { size: 0, root: other }, to: { size: 9, root: other }, proof: [] },
      { from: empty, to: { size: 0, root: other }, proof: [] },
      { from: empty, to: empty, proof: [other] },
      { from: { size: 1, root: leaves[0]! }, to: { size: 1, root: other }, proof: [] },
    ])
      expect(() => verifyConsistency(claim)).toThrow(invalid);
  });

  test("whatever a stranger sends, the one error is proof_invalid", () => {
    const junk = fc.oneof(
      fc.anything(),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
    );
    const list = fc.oneof(junk, fc.array(junk, { maxLength: 70 }));
    const size = fc.oneof(junk, fc.maxSafeNat());
    fc.assert(
      fc.property(junk, size, size, junk, list, (hash, a, b, root, proof) => {
        const inclusion = { leafHash: hash, index: a, size: b, root, proof } as InclusionClaim;
        expect(() => verifyInclusion(inclusion)).toThrow(invalid);
        const consistency = { from: { size: a, root: hash }, to: { size: b, root }, proof };
        expect(outcome(() => verifyConsistency(consistency as ConsistencyClaim))).toBeOneOf([
          "proof_invalid",
        ]);
      }),
      { numRuns: 500 },
    );
  });
});

test("a proof about what is not in the tree cannot be made", async () => {
  await expect(inclusionProof(8, 8, shelf.read)).rejects.toMatchObject(invalidArgument);
  await expect(inclusionProof(-1, 8, shelf.read)).rejects.toMatchObject(invalidArgument);
  await expect(consistencyProof(9, 8, shelf.read)).rejects.toMatchObject(invalidArgument);
  await expect(consistencyProof(2 ** 40, 8, shelf.read)).rejects.toMatchObject(invalidArgument);
  await expect(consistencyProof(0.5, 8, shelf.read)).rejects.toMatchObject(invalidArgument);
  for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) {
    await expect(inclusionProof(0, size, shelf.read)).rejects.toMatchObject(invalidArgument);
    await expect(consistencyProof(size, size, shelf.read)).rejects.toMatchObject(invalidArgument);
    await expect(consistencyProof(0, size, shelf.read)).rejects.toMatchObject(invalidArgument);
  }
});

test("a tile of the wrong length is named, a reader's own error passes through", async () => {
  for (const length of [0, 32, 63, 65, 257 * 32])
    await expect(inclusionProof(0, 2, async () => new Uint8Array(length))).rejects.toMatchObject({
      code: "tile_invalid",
    });
  const lost = new Error("disk");
  await expect(inclusionProof(0, 2, () => Promise.reject(lost))).rejects.toBe(lost);
});

/** The proof with one hash removed, doubled or added. */
function misshapen(proof: readonly Uint8Array[], extra: Uint8Array): Uint8Array[][] {
  return [
    [...proof, extra],
    [extra, ...proof],
    ...proof.map((_, i) => proof.filter((_, j) => j !== i)),
    ...proof.map((hash, i) => [...proof.slice(0, i), hash, ...proof.slice(i)]),
  ];
}

function outcome(act: () => void): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    return error instanceof MerkleError ? error.code : `not a MerkleError: ${String(error)}`;
  }
}
