import type { Columns } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import type { CompactedBlock, Origin } from "../src/blocks/compacted-block.ts";
import type { CompactedDocument, ErasureDocument, ReceiptDocument } from "../src/blocks/documents.ts";
import { begunErasure, progressOf } from "../src/write/erasure.ts";
import { mayHold, remainderOf, samplesOf, standingOf, takenBackOf } from "../src/write/retraction.ts";

const receipt: ReceiptDocument = {
  partition: "eu/pat_1",
  receipt: "rec",
  owner: "mine",
  digest: new Uint8Array(),
  batch: "bat_1",
  accepted: Uint8Array.of(1),
  sequences: [4, 9],
  codes: ["c1", "c2"],
};

describe("a batch that is to be taken back", () => {
  it("is there for its owner alone, and only where something of it was stored", () => {
    expect(standingOf(receipt, "mine")).toEqual({ kind: "stored" });
    expect(standingOf(receipt, "them")).toEqual({ kind: "not_found" });
    expect(standingOf({ ...receipt, sequences: [] }, "mine")).toEqual({ kind: "not_found" });
  });

  it("that was taken back gives the same answer again, to its owner alone", () => {
    const retracted = { ...receipt, retraction: { time_ms: 17, items: 3 } };
    const retraction = { timeMs: 17, items: 3 };
    expect(standingOf(retracted, "mine")).toEqual({ kind: "retracted", retraction });
    expect(standingOf(retracted, "them")).toEqual({ kind: "not_found" });
  });
});

describe("compacted blocks that may hold samples of the batch", () => {
  const taken = takenBackOf(receipt);
  const holds = (first: number, last: number, code = "c2") =>
    mayHold({ first_sequence: first, last_sequence: last, code } as CompactedDocument, taken);

  it("reach over one of its commits, and are of one of its codes", () => {
    expect([holds(1, 4), holds(9, 12), holds(5, 6), holds(1, 20)]).toEqual([true, true, true, true]);
    expect([holds(1, 3), holds(10, 12), holds(1, 20, "c3")]).toEqual([false, false, false]);
  });
});

describe("what is left of a compacted block", () => {
  const origin = (sequence: number): Origin => ({
    sequence,
    item: 0,
    received: 1,
    consent: "con",
    version: 1,
  });
  const columns: Columns = {
    times: Float64Array.of(10, 20, 30),
    offsetMinutes: 0,
    durationMs: 0,
    unit: "/min",
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.of(1, 2, 3) },
  };
  const source = { organization: "o", application: "a", device: "d", model: "m", method: 1, granularity: 1 };
  const block = [
    { source, columns, origins: [origin(4), origin(5), origin(9)] },
  ] as unknown as CompactedBlock;

  const from = { device: "dev_1", method: 1 };

  it("is all that came with other commits; what is gone is named by its commit and times", () => {
    const remainder = remainderOf(block, { count: 3, code: "c1" }, new Set([4, 9]), from)!;
    expect(remainder.fewer).toBe(2);
    expect(remainder.left.map((strip) => [...strip.columns.times])).toEqual([[20]]);
    expect(remainder.samples).toEqual([
      { sequence: 4, code: "c1", ...from, times: Float64Array.of(10) },
      { sequence: 9, code: "c1", ...from, times: Float64Array.of(30) },
    ]);
  });

  it("is not looked at where it holds nothing of the batch", () => {
    expect(remainderOf(block, { count: 3, code: "c1" }, new Set([6]), from)).toBeUndefined();
  });

  it("of a damaged block as it arrived, the two ends are told", () => {
    const damaged = { sequence: 4, code: "c1", from_ms: 10, to_ms: 31 } as Parameters<typeof samplesOf>[0];
    expect(samplesOf(damaged)).toEqual({
      sequence: 4,
      code: "c1",
      times: Float64Array.of(10, 30),
    });
    const opened = samplesOf(damaged, { times: [10, 20], from });
    expect(opened).toMatchObject({ times: Float64Array.of(10, 20), ...from });
  });
});

describe("an erasure", () => {
  it("begins with no key destroyed, but for what the journal knows", () => {
    const fresh = begunErasure("eu/pat_1", { id: "era_1" }, "acc_1");
    expect(fresh).toEqual({
      partition: "eu/pat_1",
      id: "era_1",
      state: "running",
      opened_by: "acc_1",
      access: "",
      key_destroyed_ms: 0,
      key_ids: [],
      documents_deleted: 0,
    });
    const known = { id: "era_1", key_destroyed_ms: 17, key_ids: ["k"] };
    expect(begunErasure("eu/pat_1", known, "acc_1")).toEqual({ ...fresh, ...known });
  });

  it("tells nothing but its id while it runs", () => {
    const running: ErasureDocument = begunErasure("eu/pat_1", { id: "era_1" }, "acc_1");
    expect(progressOf(running)).toEqual({ state: "running", id: "era_1" });
    const counts = { key_destroyed_ms: 17, key_ids: ["k"], documents_deleted: 5 };
    expect(progressOf({ ...running, ...counts, state: "done", access: "acc_2" })).toEqual({
      state: "done",
      erasure: { id: "era_1", access: "acc_2", keyDestroyed: 17, keyIds: ["k"], documentsDeleted: 5 },
    });
  });
});
