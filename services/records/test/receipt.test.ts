import { describe, expect, it } from "vitest";
import type { Head } from "../src/blocks/documents.ts";
import { headAfterData, sequenceBefore } from "../src/blocks/head.ts";
import { acceptedBitmap, earlierBatch, nextReceipt, outcomeOf } from "../src/write/receipt.ts";

const digest = Buffer.from("as it was sent");
const place = { partition: "eu/pat_1", receipt: "rec", owner: "own", digest, batch: "bat_1" };

describe("the first receipt of a batch", () => {
  it("says what was accepted, by which commit and of which codes, and nothing else", () => {
    const newly = { accepted: [0, 8], sequence: 5, codes: ["c1", "c1", "c2"] };
    const receipt = nextReceipt(place, undefined, 9, newly);
    expect(receipt).toEqual({ ...place, accepted: Uint8Array.of(1, 1), sequences: [5], codes: ["c1", "c2"] });
    expect([...earlierBatch(receipt).accepted]).toEqual([0, 8]);
    expect(earlierBatch(receipt).retracted).toBe(false);
    expect(outcomeOf({ requestId: "r" }, [], receipt)).toMatchObject({ batch: "bat_1", sequence: 5 });
  });

  it("names no commit where nothing was accepted", () => {
    const receipt = nextReceipt(place, undefined, 9, { accepted: [], sequence: 5, codes: [] });
    expect(receipt).toEqual({ ...place, accepted: Uint8Array.of(0, 0), sequences: [], codes: [] });
    expect(outcomeOf({ requestId: "r" }, [], receipt)).toMatchObject({ batch: undefined, sequence: 0 });
  });
});

describe("a later receipt", () => {
  it("keeps codes and commits of before", () => {
    const first = nextReceipt(place, undefined, 9, { accepted: [1], sequence: 5, codes: ["c1"] });
    const second = nextReceipt(place, first, 9, { accepted: [2], sequence: 7, codes: ["c2"] });
    expect(second).toMatchObject({ sequences: [5, 7], codes: ["c1", "c2"] });
    expect(second.accepted).toEqual(acceptedBitmap(9, [1, 2]));
    expect(outcomeOf({ requestId: "r" }, [], second)).toMatchObject({ batch: "bat_1", sequence: 7 });
  });
});

describe("the state as of a full hour", () => {
  const hour = 3_600_000;
  const head: Head = { partition: "eu/pat_1", sequence: 9, erased: false, hour_ms: 5 * hour, before_hour: 4 };

  it("is what was committed before the first commit of that hour, and all of it where none came since", () => {
    expect(sequenceBefore(head, 5 * hour)).toBe(4);
    expect(sequenceBefore(head, 6 * hour)).toBe(9);
    // Of an hour before it nothing is known any more.
    expect(sequenceBefore(head, 4 * hour)).toBe(4);
    expect(sequenceBefore({ partition: "p", sequence: 9, erased: false }, hour)).toBe(9);
    expect(sequenceBefore({ partition: "p", sequence: 9, erased: false, hour_ms: hour }, hour)).toBe(0);
  });

  it("is known from the first commit on: its blocks wait for compaction since then", () => {
    const added = { samples: true, observations: false };
    expect(headAfterData("eu/pat_1", undefined, 1, added, hour + 5)).toEqual({
      ...{ partition: "eu/pat_1", sequence: 1, erased: false, hour_ms: hour, before_hour: 0 },
      loose_since_ms: hour + 5,
    });
  });
});
