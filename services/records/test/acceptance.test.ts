import { describe, expect, it } from "vitest";
import type { Head, ReceiptDocument } from "../src/blocks/documents.ts";
import { headAfterData } from "../src/blocks/head.ts";
import { type CodeContribution, sameContributions } from "../src/gate/contribution.ts";
import { acceptanceOf, consentOf } from "../src/write/acceptance.ts";
import type { Batch, SeriesItem } from "../src/write/batch.ts";
import { acceptedBitmap, earlierBatch, nextReceipt, outcomeOf } from "../src/write/receipt.ts";

const permit = { consent: "con_1", version: 3, from: 0, to: 100 };
const yes: CodeContribution = { permitted: true, windows: [{ from: 0, to: 100 }], permits: [permit] };
const contributions = new Map([["8867-4", yes]]);
const digest = Buffer.from("as it was sent");

function itemAt(...times: number[]): SeriesItem {
  const captured = { device: "d", model: "m", method: 1, granularity: 1 } as const;
  return {
    ...captured,
    code: "8867-4",
    field: "series[0]",
    times,
    violations: [],
    columns: undefined,
  } as SeriesItem;
}

function batchOf(...items: SeriesItem[]): Batch {
  return { kind: "series", requestId: "r", patient: "p", digest, size: 1, items };
}

function receiptOf(fields: Partial<ReceiptDocument> = {}): ReceiptDocument {
  return {
    partition: "eu/pat_1",
    receipt: "rec",
    owner: "own",
    digest,
    batch: "bat_1",
    accepted: acceptedBitmap(2, [0]),
    sequences: [4],
    codes: ["c1"],
    ...fields,
  };
}

describe("what becomes of a batch", () => {
  it("takes the patient one commit further where something is accepted, and names what is", () => {
    const batch = batchOf(itemAt(1), itemAt(500), itemAt(2));
    expect(acceptanceOf(batch, digest, contributions, undefined, 7)).toMatchObject({
      kind: "new",
      accepted: [0, 2],
      sequence: 8,
      judgements: [{ status: "accepted" }, { status: "rejected" }, { status: "accepted" }],
    });
  });

  it("leaves a receipt and no commit of data where nothing is accepted the first time", () => {
    const found = acceptanceOf(batchOf(itemAt(500)), digest, contributions, undefined, 7);
    expect(found).toMatchObject({ kind: "new", accepted: [], sequence: 7 });
  });

  it("accepts what was rejected before, and nothing twice", () => {
    const batch = batchOf(itemAt(1), itemAt(2));
    expect(acceptanceOf(batch, digest, contributions, receiptOf(), 7)).toMatchObject({
      kind: "new",
      accepted: [1],
      sequence: 8,
      judgements: [{ status: "duplicate" }, { status: "accepted" }],
    });
  });

  it("is the answer of before where there is nothing new", () => {
    const earlier = receiptOf({ accepted: acceptedBitmap(2, [0, 1]) });
    const found = acceptanceOf(batchOf(itemAt(1), itemAt(2)), digest, contributions, earlier, 7);
    expect(found).toEqual({
      kind: "repeated",
      earlier,
      judgements: [{ status: "duplicate" }, { status: "duplicate" }],
    });
  });

  it("is a refusal where its request id named other content, also of the same items", () => {
    const other = Buffer.from("as it was SENT");
    expect(acceptanceOf(batchOf(itemAt(1)), other, contributions, receiptOf(), 7)).toEqual({
      kind: "reused",
    });
  });
});

describe("the consent that is noted beside an item", () => {
  const early = { consent: "con_early", version: 1, from: 0, to: 10 };
  const late = { consent: "con_late", version: 2, from: 5, to: 100 };
  const both = new Map<string, CodeContribution>([
    ["8867-4", { permitted: true, windows: [{ from: 0, to: 100 }], permits: [early, late] }],
  ]);

  it("is the first that permits all of it", () => {
    expect(consentOf(batchOf(itemAt(6, 7)), 0, both)).toEqual({ consent: "con_early", version: 1 });
    expect(consentOf(batchOf(itemAt(6, 50)), 0, both)).toEqual({ consent: "con_late", version: 2 });
  });

  it("is the first of those that permit it together", () => {
    expect(consentOf(batchOf(itemAt(1, 50)), 0, both)).toEqual({ consent: "con_early", version: 1 });
  });
});

describe("a receipt", () => {
  const place = { partition: "eu/pat_1", receipt: "rec", owner: "own", digest, batch: "bat_1" };

  it("keeps what was accepted before, by item, commit and code", () => {
    const next = nextReceipt(place, receiptOf(), 10, { accepted: [9], sequence: 8, codes: ["c1", "c2"] });
    expect([...earlierBatch(next).accepted]).toEqual([0, 9]);
    expect(next).toMatchObject({ sequences: [4, 8], codes: ["c1", "c2"] });
    expect("retraction" in next).toBe(false);
  });

  it("keeps a retraction", () => {
    const retraction = { time_ms: 5, items: 2 };
    const next = nextReceipt(place, receiptOf({ retraction }), 2, { accepted: [], sequence: 7, codes: [] });
    expect(next).toMatchObject({ sequences: [4], retraction });
    expect(earlierBatch(next).retracted).toBe(true);
  });

  it("names no batch to its sender before something of it is stored", () => {
    const judgements = [{ status: "duplicate" }] as const;
    const nothing = outcomeOf({ requestId: "r" }, judgements, receiptOf({ sequences: [] }));
    expect(nothing).toEqual({ requestId: "r", batch: undefined, judgements, sequence: 0 });
    const stored = outcomeOf({ requestId: "r" }, judgements, receiptOf({ sequences: [4, 9] }));
    expect(stored).toMatchObject({ batch: "bat_1", sequence: 9 });
  });
});

describe("a decision that is asked for again before the commit", () => {
  const sliding = { ...permit, sliding: { lastMs: 50, from: 0 } };
  const of = (...permits: (typeof sliding | typeof permit)[]) =>
    new Map<string, CodeContribution>([["8867-4", { permitted: true, windows: permits, permits }]]);

  it("is the same while only time passes", () => {
    expect(sameContributions(of(permit), of({ ...permit }))).toBe(true);
    expect(sameContributions(of({ ...sliding, from: 40 }), of({ ...sliding, from: 41 }))).toBe(true);
  });

  it.each([
    ["another version", of({ ...permit, version: 4 })],
    ["another window", of({ ...permit, from: 1 })],
    ["one consent more", of(permit, { ...permit, consent: "con_2" })],
    ["a window that slides otherwise", of({ ...sliding, sliding: { lastMs: 49, from: 0 } })],
    ["no code at all", new Map()],
  ])("is another with %s", (_, now) => {
    expect(sameContributions(of(permit), now)).toBe(false);
    expect(sameContributions(of(sliding), now)).toBe(false);
  });
});

describe("the head after a commit of data", () => {
  const hour = 3_600_000;
  const before: Head = {
    partition: "eu/pat_1",
    sequence: 4,
    erased: false,
    loose_since_ms: 17,
    compacted: 2,
    moves: 1,
    moved_to: 2,
    observed_to: 1,
    hour_ms: hour,
    before_hour: 3,
  };

  it("keeps what compaction noted, and since when blocks wait for it", () => {
    const added = { samples: true, observations: false };
    expect(headAfterData("eu/pat_1", before, 5, added, hour + 1)).toEqual({ ...before, sequence: 5 });
  });

  it("notes that blocks wait, observations, and the hour with what was before it", () => {
    const { loose_since_ms: _, ...compacted } = before;
    const both = { samples: true, observations: true };
    expect(headAfterData("eu/pat_1", compacted, 5, both, 2 * hour + 1)).toEqual({
      ...before,
      sequence: 5,
      loose_since_ms: 2 * hour + 1,
      observed_to: 5,
      hour_ms: 2 * hour,
      before_hour: 4,
    });
  });

  it("says nothing of samples where a commit adds none", () => {
    const neither = { samples: false, observations: false };
    const first = headAfterData("eu/pat_1", undefined, 0, neither, hour);
    expect(first).toEqual({
      partition: "eu/pat_1",
      sequence: 0,
      erased: false,
      hour_ms: hour,
      before_hour: 0,
    });
  });
});
