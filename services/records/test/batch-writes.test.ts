import type { Columns } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import type { BlockDocument, ObservationBlockDocument } from "../src/blocks/documents.ts";
import type { ObservationRecord } from "../src/model/observation.ts";
import type { ObservationItem, SeriesItem } from "../src/write/batch.ts";
import {
  type BatchWrites,
  observationWrites,
  seriesWrites,
  type WriteContext,
} from "../src/write/batch-writes.ts";
import { openBox } from "./open-box.ts";

const DAY = 86_400_000;
const consent = { consent: "con_1", version: 3 };
const captured = { device: "serial-1", model: "Band", method: 1, granularity: 2 };
const context: WriteContext = {
  ...{ partition: "eu/pat_1", batch: "bat_1", sequence: 7, organization: "org_1", application: "app_1" },
  ...{ received: 1_000, isStored: () => false },
};
const provenance = {
  ...{ organization: "org_1", application: "app_1", device: "serial-1", model: "Band", method: 1 },
  ...{ granularity: 2, received: 1_000, consent: "con_1", version: 3 },
};

function documentsOf<D>({ changes }: BatchWrites, collection: string): D[] {
  return changes.map((change) => {
    expect(change).toMatchObject({ kind: "insert", collection });
    return (change.kind === "insert" ? change.document : undefined) as D;
  });
}

function series(times: readonly number[], more: Partial<SeriesItem> = {}, durationMs = 0): SeriesItem {
  const columns: Columns = {
    ...{ times: Float64Array.from(times), offsetMinutes: 0, durationMs, unit: "/min" },
    values: { kind: "decimal", scale: 0, mantissas: Float64Array.from(times, () => 60) },
  };
  return { ...captured, code: "8867-4", field: "series[0]", times, violations: [], columns, ...more };
}

describe("the blocks of accepted series", () => {
  it("say in clear when they begin, end and reach, how many samples they have, and of which item", async () => {
    const box = await openBox();
    const item = series([10, 20, 90], {}, 40);
    const writes = seriesWrites(box, context, [{ item, index: 4, consent }]);
    const [block, ...others] = documentsOf<BlockDocument>(writes, "blocks");
    expect(others).toEqual([]);
    const { sealed, series: id, code, ...clear } = block!;
    expect(clear).toEqual({
      ...{ partition: "eu/pat_1", batch: "bat_1", item: 4, sequence: 7, hidden: 0 },
      ...{ from_ms: 10, to_ms: 91, until_ms: 130, count: 3 },
    });
    expect(code).toBe(box.codeId("8867-4"));
    expect(box.openBlock(block!)).toEqual({ provenance, columns: item.columns });
    expect(writes).toMatchObject({ codes: [code], count: 3 });
    const [stored] = writes.series;
    expect(stored).toMatchObject({ partition: "eu/pat_1", series: id, code });
    const descriptor = {
      organization: "org_1",
      device: "serial-1",
      code: "8867-4",
      method: 1,
      granularity: 2,
    };
    expect(box.openSeries(stored!)).toEqual(descriptor);
    expect(sealed.length).toBeGreaterThan(0);
  });

  it("are of one series where device, code, method and granularity are the same, and of several else", async () => {
    const box = await openBox();
    const items = [
      series([1]),
      series([2], { model: "Ring" }),
      series([3], { device: "serial-2" }),
      series([4], { code: "55423-8" }),
      series([5], { method: 2 }),
      series([6], { granularity: 3 }),
    ];
    const writes = seriesWrites(
      box,
      context,
      items.map((item, index) => ({ item, index, consent })),
    );
    const ids = documentsOf<BlockDocument>(writes, "blocks").map((block) => block.series);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(5);
    expect(writes.series.map((one) => one.series)).toEqual([...new Set(ids)]);
    expect(writes.codes).toEqual([box.codeId("8867-4"), box.codeId("55423-8")]);
    expect(writes.count).toBe(6);
  });

  it("make no series again that is stored, and nothing of what was rejected", async () => {
    const box = await openBox();
    const known = seriesWrites(box, context, [{ item: series([1]), index: 0, consent }]).series[0]!.series;
    const writes = seriesWrites(box, { ...context, isStored: (id) => id === known }, [
      { item: series([1]), index: 0, consent },
      { item: series([2], { columns: undefined }), index: 1, consent },
      { item: series([3], { device: "serial-2" }), index: 2, consent },
    ]);
    expect(writes.changes).toHaveLength(2);
    expect(writes.series).toHaveLength(1);
    expect(writes.series[0]!.series).not.toBe(known);
    expect(writes.count).toBe(2);
  });
});

function observation(
  time: number,
  more: Partial<ObservationItem> & { durationMs?: number; value?: ObservationRecord["value"] } = {},
): ObservationItem {
  const {
    durationMs = 0,
    value = { kind: "quantity", quantity: { value: "80", unit: "kg" } },
    ...item
  } = more;
  const code = item.code ?? "29463-7";
  const record = { code: { system: "s", code }, time, durationMs, offsetMinutes: 0, value };
  return { ...captured, code, field: "observations[0]", times: [time], violations: [], record, ...item };
}

const coded = { kind: "coded" as const, coding: { system: "s", code: "LA-1" } };

describe("the blocks of accepted observations", () => {
  const writesOf = async (
    items: readonly ObservationItem[],
    isStored: WriteContext["isStored"] = () => false,
  ) => {
    const box = await openBox();
    const accepted = items.map((item, index) => ({ item, index: index + 3, consent }));
    const writes = observationWrites(box, { ...context, isStored }, accepted);
    return { box, writes, blocks: documentsOf<ObservationBlockDocument>(writes, "observation_blocks") };
  };

  it("hold together what is of one code and series, by time, and say in clear what they span", async () => {
    const { box, writes, blocks } = await writesOf([
      observation(50, { durationMs: 7 }),
      observation(10, { durationMs: 500 }),
      observation(30),
    ]);
    const [{ sealed, series: id, code, ...clear }] = blocks as [ObservationBlockDocument];
    expect(clear).toEqual({
      ...{ partition: "eu/pat_1", batch: "bat_1", item: 3, sequence: 7, hidden: 0 },
      ...{ from_ms: 10, to_ms: 51, until_ms: 510, count: 3 },
    });
    const records = box.openObservations(blocks[0]!);
    expect(records.map(({ time, item }) => [time, item])).toEqual([
      [10, 4],
      [30, 5],
      [50, 3],
    ]);
    expect(records[0]).toEqual({ ...observation(10, { durationMs: 500 }).record, item: 4, provenance });
    expect(writes).toMatchObject({ codes: [], count: 3 });
    expect([id, code]).toEqual([writes.series[0]!.series, box.codeId("29463-7")]);
    expect(box.openSeries(writes.series[0]!)).toEqual({
      ...{ organization: "org_1", device: "serial-1", code: "29463-7", method: 1, granularity: 2 },
    });
    expect(sealed.length).toBeGreaterThan(0);
    // An instant covers the millisecond that it begins.
    const [instant] = (await writesOf([observation(5)])).blocks;
    expect(instant).toMatchObject({ from_ms: 5, to_ms: 6, until_ms: 6 });
  });

  it("hold apart what is of other codes, devices, methods or granularities, and what is no number", async () => {
    const { writes, blocks } = await writesOf([
      observation(1),
      observation(2, { code: "8867-4" }),
      observation(3, { device: "serial-2" }),
      observation(4, { method: 2 }),
      observation(5, { granularity: 3 }),
      observation(6, { value: coded }),
      observation(7, { value: coded, device: "serial-2" }),
      observation(8),
    ]);
    expect(blocks.map(({ item, count }) => [item, count])).toEqual([
      [3, 2],
      [4, 1],
      [5, 1],
      [6, 1],
      [7, 1],
      [8, 2],
    ]);
    // What is no number is of no series, and so of no device.
    expect(blocks.map(({ series: id }) => id === "")).toEqual([false, false, false, false, false, true]);
    expect(new Set(blocks.map(({ series: id }) => id)).size).toBe(6);
    expect(writes.series).toHaveLength(5);
  });

  it("span at most 31 days each", async () => {
    const { blocks } = await writesOf([observation(0), observation(31 * DAY - 1), observation(31 * DAY)]);
    expect(blocks.map(({ item, count }) => [item, count])).toEqual([
      [3, 2],
      [5, 1],
    ]);
  });

  it("make no series again that is stored, and nothing of what was rejected", async () => {
    const rejected = { ...observation(2), record: undefined };
    const { writes, blocks } = await writesOf([observation(1), rejected], () => true);
    expect(blocks.map(({ count }) => count)).toEqual([1]);
    expect(writes.series).toEqual([]);
  });
});
