import type { Stored } from "@wellapi/store";
import { describe, expect, it } from "vitest";
import type { BlockDocument, CompactedDocument, Head } from "../src/blocks/documents.ts";
import {
  headAfterErasure,
  headAfterMerge,
  headAfterPass,
  headAfterRetraction,
  movedTo,
} from "../src/blocks/head.ts";
import { FULL_SAMPLES } from "../src/compaction/compaction.ts";
import { groupsOf, mergedWith, stretchOf } from "../src/compaction/compaction-plan.ts";

const DAY = 86_400_000;
const place = { partition: "eu/pat_1", item: 0, code: "c", sealed: new Uint8Array() };

function arrived(batch: string, from: number, until: number, series = "s"): Stored<BlockDocument> {
  const ends = { from_ms: from, to_ms: until, until_ms: until };
  return { document: { ...place, ...ends, batch, series, count: 10, sequence: 1, hidden: 0 }, revision: 1 };
}

function compacted(batch: string, from: number, until: number, count: number): Stored<CompactedDocument> {
  const ends = { from_ms: from, to_ms: until, until_ms: until };
  const commits = { first_sequence: 1, last_sequence: 1 };
  return { document: { ...place, ...ends, ...commits, batch, series: "s", count }, revision: 1 };
}

const names = (blocks: readonly Stored<{ readonly batch: string; readonly partition: string }>[]) =>
  blocks.map(({ document }) => document.batch);

describe("groups of blocks that are merged", () => {
  it("are of one series, in the order of their starts", () => {
    const blocks = [arrived("b", 20, 30), arrived("x", 0, 5, "other"), arrived("a", 10, 30)];
    expect(groupsOf(blocks).map(names)).toEqual([["a", "b"], ["x"]]);
  });

  it("that start together are in the order of their items", () => {
    const items = [2, 0, 1].map((item): Stored<BlockDocument> => {
      const { document, revision } = arrived(`${item}`, 10, 20);
      return { document: { ...document, item }, revision };
    });
    expect(groupsOf(items).map(names)).toEqual([["0", "1", "2"]]);
  });

  it("start within 31 days of their first", () => {
    const blocks = [0, 31 * DAY, 31 * DAY + 1, 62 * DAY + 2].map((from, i) =>
      arrived(`${i}`, 400 * DAY + from, 400 * DAY + from + 1),
    );
    expect(groupsOf(blocks).map(names)).toEqual([["0", "1"], ["2"], ["3"]]);
  });

  it("cover all that any of their samples covers", () => {
    expect(stretchOf([arrived("a", 10, 90), arrived("b", 20, 30)])).toEqual({ from: 10, to: 90 });
  });
});

describe("compacted blocks that a group is merged with", () => {
  const group = [arrived("a", 100, 110), arrived("b", 190, 200)];

  it("are those that overlap one of its blocks, however large, and small ones between them", () => {
    const nearby = [
      compacted("overlaps the first", 90, 101, FULL_SAMPLES),
      compacted("large between", 120, 130, FULL_SAMPLES),
      compacted("small between", 140, 150, FULL_SAMPLES - 1),
      compacted("overlaps the last", 199, 300, FULL_SAMPLES),
    ];
    expect(names(mergedWith(group, nearby))).toEqual([
      "overlaps the first",
      "small between",
      "overlaps the last",
    ]);
  });

  it("are none that only touch a block of it", () => {
    const nearby = [compacted("between", 110, 190, FULL_SAMPLES)];
    expect(mergedWith(group, nearby)).toEqual([]);
  });

  it("are small ones right before, the nearest first, while each is at most eight times what was gathered", () => {
    // The group has 20 samples.
    const near = compacted("near", 80, 100, 160);
    const further = compacted("further", 60, 80, 8 * 180);
    const furthest = compacted("furthest", 40, 60, 8 * (180 + 8 * 180) + 1);
    expect(names(mergedWith(group, [furthest, further, near]))).toEqual(["near", "further"]);
    expect(mergedWith(group, [compacted("too large", 80, 100, 161)])).toEqual([]);
  });

  it("are none before that would make a block longer than 31 days, nor full ones", () => {
    const long = [arrived("a", 31 * DAY, 31 * DAY + 10)];
    expect(names(mergedWith(long, [compacted("just within", 10, 31 * DAY, 20)]))).toEqual(["just within"]);
    expect(mergedWith(long, [compacted("too early", 9, 31 * DAY, 20)])).toEqual([]);
    const large = [{ ...long[0]!, document: { ...long[0]!.document, count: FULL_SAMPLES } }];
    expect(mergedWith(large, [compacted("full", 10, 31 * DAY, FULL_SAMPLES)])).toEqual([]);
  });
});

describe("the head", () => {
  const head: Head = {
    partition: "eu/pat_1",
    sequence: 9,
    erased: false,
    moves: 2,
    moved_to: 5,
    compacted: 3,
  };

  it("notes each merge, and the newest commit of which samples were moved", () => {
    expect(headAfterMerge(head, 7)).toEqual({ ...head, moves: 3, moved_to: 7 });
    expect(headAfterMerge(head, 4)).toEqual({ ...head, moves: 3, moved_to: 5 });
  });

  it("that was written before `moved_to` was kept says that any commit may have been moved", () => {
    const { moved_to: _, ...older } = head;
    expect(movedTo(older)).toBe(9);
    expect(headAfterMerge(older, 4)).toMatchObject({ moved_to: 9 });
    expect(movedTo({ ...older, moves: 0 })).toBe(0);
  });

  it("says after a pass that nothing waits, unless something came meanwhile: that waits since the pass began", () => {
    expect(headAfterPass(head, 9, 1_000)).toEqual({ ...head, compacted: 9, loose_since_ms: undefined });
    expect(headAfterPass(head, 8, 1_000)).toEqual({ ...head, compacted: 8, loose_since_ms: 1_000 });
  });

  it("counts a retraction as a commit, and as a move where it took samples out of compacted blocks", () => {
    expect(headAfterRetraction(head, false)).toEqual({ sequence: 10, erased: false });
    expect(headAfterRetraction(head, true)).toEqual({ sequence: 10, erased: false, moves: 3 });
  });

  it("of an erased patient is passed by from the first commit of the erasure on", () => {
    expect(headAfterErasure(head)).toEqual({ sequence: 10, erased: true, loose_since_ms: undefined });
    expect(headAfterErasure(undefined)).toMatchObject({ sequence: 1, erased: true });
  });
});
