import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  appendLeafHashes,
  consistencyProof,
  EMPTY_FRONTIER,
  emptyRoot,
  frontierRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import { hashesEqual } from "../src/tree-hash.ts";
import { hex, numberedLeaves, shelfOf, unhex } from "./reference-tree.ts";

// The vectors of the Certificate Transparency reference implementation, as in transparency-dev/merkle:
// testonly/constants.go, proof/verify_test.go, testonly/reference_test.go, rfc6962/rfc6962_test.go.
const ENTRIES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const H1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const H23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const H4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const H4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const H67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const H45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const H6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f";
const H0 = ROOTS[1]!;
const H01 = ROOTS[2]!;
const H0123 = ROOTS[4]!;

const leaves = ENTRIES.map((entry) => leafHash(unhex(entry)));
const shelf = shelfOf(leaves);

describe("RFC 6962 hashes", () => {
  test("of nothing, a leaf and a node", () => {
    expect(hex([emptyRoot()])).toEqual([ROOTS[0]]);
    expect(hex([leafHash(Buffer.from("L123456"))])).toEqual([
      "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
    ]);
    expect(hex([nodeHash(Buffer.from("N123"), Buffer.from("N456"))])).toEqual([
      "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb",
    ]);
  });

  test("are equal where every byte is, and not where one begins as the other", () => {
    const [root] = leaves;
    expect(hashesEqual(root!, root!.slice())).toBe(true);
    expect(hashesEqual(root!, root!.subarray(0, 31))).toBe(false);
    expect(hashesEqual(root!.subarray(0, 31), root!)).toBe(false);
    for (let at = 0; at < 32; at++) expect(hashesEqual(root!, root!.with(at, root![at]! ^ 1))).toBe(false);
  });

  test.each(ROOTS.map((root, size) => ({ root, size })))("root at size $size", ({ root, size }) => {
    expect(hex([frontierRoot(appendLeafHashes(EMPTY_FRONTIER, leaves.slice(0, size)))])).toEqual([root]);
  });
});

describe("the reference implementation's proofs", () => {
  test.each([
    { index: 0, size: 1, proof: [] },
    { index: 0, size: 2, proof: [H1] },
    { index: 1, size: 2, proof: [H0] },
    { index: 2, size: 3, proof: [H01] },
    { index: 1, size: 5, proof: [H0, H23, H4] },
    { index: 0, size: 8, proof: [H1, H23, H4567] },
    { index: 5, size: 8, proof: [H4, H67, H0123] },
  ])("inclusion of $index in $size", async ({ index, size, proof }) => {
    expect(hex(await inclusionProof(index, size, shelf.read))).toEqual(proof);
    verifyInclusion({
      leafHash: leaves[index]!,
      index,
      size,
      root: unhex(ROOTS[size]!),
      proof: proof.map(unhex),
    });
  });

  test.each([
    { from: 1, to: 1, proof: [] },
    { from: 1, to: 8, proof: [H1, H23, H4567] },
    { from: 6, to: 8, proof: [H45, H67, H0123] },
    { from: 2, to: 5, proof: [H23, H4] },
    { from: 6, to: 7, proof: [H45, H6, H0123] },
  ])("consistency of $from with $to", async ({ from, to, proof }) => {
    expect(hex(await consistencyProof(from, to, shelf.read))).toEqual(proof);
    verifyConsistency({
      from: { size: from, root: unhex(ROOTS[from]!) },
      to: { size: to, root: unhex(ROOTS[to]!) },
      proof: proof.map(unhex),
    });
  });
});

describe("trees larger than a tile", () => {
  const many = numberedLeaves(70_000);

  // compact/range_test.go, TestGetRootHashGolden.
  test.each([
    { size: 10, root: "VjWMPSYNtCuCNlF/RLnQy6HcwSk6CIipfxm+hettA+4=" },
    { size: 15, root: "j4SulYmocFuxdeyp12xXCIgK6PekBcxzAIj4zbQzNEI=" },
    { size: 16, root: "c+4Uc6BCMOZf/v3NZK1kqTUJe+bBoFtOhP+P3SayKRE=" },
    { size: 100, root: "dUh9hYH88p0CMoHkdr1wC2szbhcLAXOejWpINIooKUY=" },
    { size: 255, root: "SmdsuKUqiod3RX2jyF2M6JnbdE4QuTwwipfAowI4/i0=" },
    { size: 256, root: "qFI0t/tZ1MdOYgyPpPzHFiZVw86koScXy9q3FU5casA=" },
    { size: 1000, root: "RXrgb8xHd55Y48FbfotJwCbV82Kx22LZfEbmBGAvwlQ=" },
    { size: 4095, root: "cWRFdQhPcjn9WyBXE/r1f04ejxIm5lvg40DEpRBVS0w=" },
    { size: 4096, root: "6uU/phfHg1n/GksYT6TO9aN8EauMCCJRl3dIK0HDs2M=" },
    { size: 10000, root: "VZcav65F9haHVRk3wre2axFoBXRNeUh/1d9d5FQfxIg=" },
    { size: 65535, root: "iPuVYJhP6SEE4gUFp8qbafd2rYv9YTCDYqAxCj8HdLM=" },
  ])("root at size $size", ({ size, root }) => {
    const computed = frontierRoot(appendLeafHashes(EMPTY_FRONTIER, many.slice(0, size)));
    expect(Buffer.from(computed).toString("base64")).toBe(root);
  });

  interface Golden {
    inclusion: { index: number; size: number; root: string; proof: string[] }[];
    consistency: { from: number; to: number; fromRoot: string; toRoot: string; proof: string[] }[];
  }
  const golden = JSON.parse(readFileSync(new URL("golden/proofs.json", import.meta.url), "utf8")) as Golden;
  const tiles = shelfOf(many);

  test.each(golden.inclusion)("inclusion of $index in $size as Go's tlog proves it", async (vector) => {
    const { index, size, root, proof } = vector;
    expect(hex(await inclusionProof(index, size, tiles.read))).toEqual(proof);
    verifyInclusion({ leafHash: many[index]!, index, size, root: unhex(root), proof: proof.map(unhex) });
  });

  test.each(golden.consistency)("consistency of $from with $to as Go's tlog proves it", async (vector) => {
    const { from, to, fromRoot, toRoot, proof } = vector;
    expect(hex(await consistencyProof(from, to, tiles.read))).toEqual(proof);
    verifyConsistency({
      from: { size: from, root: unhex(fromRoot) },
      to: { size: to, root: unhex(toRoot) },
      proof: proof.map(unhex),
    });
  });
});
