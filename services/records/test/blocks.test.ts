import { randomIds } from "@wellapi/runtime";
import { BLOCK_LIMITS, type Columns, encodeBlock } from "@wellapi/series";
import { describe, expect, it } from "vitest";
import { type CompactedBlock, type Strip, stripOf } from "../src/blocks/compacted-block.ts";
import type { CompactedDocument } from "../src/blocks/documents.ts";
import { decodeSummary, encodeSummary, MAX_OVERHANG_MS, summarize } from "../src/blocks/summary.ts";
import { compact, compactedInserts, FULL_SAMPLES, without } from "../src/compaction/compaction.ts";
import { rankOf, sequenceOf } from "../src/model/rank.ts";
import { openBox } from "./open-box.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const start = Date.UTC(2016, 3, 12, 6);
const source = {
  ...{ organization: "org", application: "app", device: "serial", model: "Band", method: 1, granularity: 2 },
};

interface Spec {
  /** Minutes from the start. */
  readonly at: readonly number[];
  readonly values?: readonly number[];
  readonly offsetMinutes?: number;
  readonly durationMs?: Columns["durationMs"];
  readonly unit?: string;
  readonly model?: string;
  readonly sequence?: number;
  readonly item?: number;
  readonly columns?: Columns["values"];
}

function strip({ at, values, sequence = 1, item = 0, model = "Band", ...spec }: Spec): Strip {
  const times = Float64Array.from(at, (minute) => start + minute * MINUTE);
  const mantissas = Float64Array.from(at, (_, i) => values?.[i] ?? 60);
  const columns: Columns = {
    times,
    offsetMinutes: spec.offsetMinutes ?? 0,
    durationMs: spec.durationMs ?? 0,
    unit: spec.unit ?? "/min",
    values: spec.columns ?? { kind: "decimal", scale: 1, mantissas },
  };
  const provenance = { ...source, model, received: sequence, consent: "con", version: 1 };
  return stripOf({ columns, provenance }, { sequence, item });
}

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const components = (count: number, of: (component: number) => Float64Array): Columns["values"] => ({
  kind: "components",
  components: Array.from({ length: count }, (_, c) => ({
    ...{ coding: { system: "s", code: `c${c}` }, unit: "mm[Hg]", scale: c, mantissas: of(c) },
  })),
});
const coded = (...codes: string[]): Columns["values"] => ({
  kind: "coded",
  dictionary: codes.map((code) => ({ system: "s", code })),
  indexes: Float64Array.from(codes, (_, i) => i) as never,
});

describe("the rank of a sample", () => {
  it("is by its commit first, then by its item, and tells the commit", () => {
    const ranks = [rankOf(1, 0), rankOf(1, 1), rankOf(1, 63), rankOf(2, 0), rankOf(10 ** 12, 63)];
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(new Set(ranks).size).toBe(ranks.length);
    expect(ranks.map(sequenceOf)).toEqual([1, 1, 1, 2, 10 ** 12]);
  });
});

describe("the summary of a block", () => {
  it("has of each hour with samples how many there are, their sum and extremes, and the latest commit", () => {
    const at = [0, 10, 20, 30, 40, 50, 130, 140, 150, 179];
    const one = strip({ at, values: [5, -3, 9, 4, 4, 4, -7, -9, -8, 100] });
    const origins = one.origins.map((origin, i) => ({
      ...origin,
      sequence: [3, 9, 2, 1, 1, 1, 4, 5, 6, 1][i]!,
    }));
    expect(summarize({ ...one, origins })).toEqual({
      source,
      starts: Float64Array.of(start, start + 2 * HOUR),
      counts: Float64Array.of(6, 4),
      sequences: Float64Array.of(9, 6),
      overhang: 0,
      parts: [
        {
          ...{ coding: null, unit: "/min", scale: 1 },
          sums: Float64Array.of(23, 76),
          minima: Float64Array.of(-3, -9),
          maxima: Float64Array.of(9, 100),
        },
      ],
    });
  });

  it.each([
    [120, [0, 60]],
    [330, [-30, 30]],
    [-210, [-30, 30]],
    [345, [-45, 15]],
    [-225, [-15, 45]],
    [-60, [0, 60]],
  ])("has hours that begin on the wall clock's, %i minutes from UTC", (offsetMinutes, edges) => {
    const { starts, counts } = summarize(strip({ at: upTo(60), offsetMinutes }))!;
    const [first, second] = edges.map((minute) => start + minute! * MINUTE);
    const inFirst = (second! - start) / MINUTE;
    expect([...starts]).toEqual(inFirst === 60 ? [first] : [first, second]);
    expect([...counts]).toEqual(inFirst === 60 ? [60] : [inFirst, 60 - inFirst]);
  });

  it("tells how far samples reach over the end of their hour, and is not made where that is too far", () => {
    const reaching = (durationMin: number) =>
      summarize(strip({ at: [0, 1, 2, 30], durationMs: durationMin * MINUTE }))?.overhang;
    expect([reaching(0), reaching(30), reaching(31), reaching(45)]).toEqual([0, 0, MINUTE, 15 * MINUTE]);
    expect(reaching(90)).toBe(MAX_OVERHANG_MS);
    expect(reaching(91)).toBeUndefined();
    // The one that reaches furthest need not be the last, nor in the last hour.
    const durations = Uint32Array.from([0, 0, 0, 50, 0, 0, 0, 0], (minutes) => minutes * MINUTE);
    expect(summarize(strip({ at: [0, 1, 2, 30, 60, 61, 62, 63], durationMs: durations }))!.overhang).toBe(
      20 * MINUTE,
    );
  });

  it("is made of numbers alone, of at most four components, and where it saves something", () => {
    expect(summarize(strip({ at: upTo(4), columns: coded("a", "b", "c", "d") }))).toBeUndefined();
    const of = (count: number) =>
      summarize(strip({ at: upTo(4), columns: components(count, () => Float64Array.of(1, 2, 3, 4)) }));
    expect(of(4)!.parts.map(({ coding, unit, scale, sums }) => [coding!.code, unit, scale, ...sums])).toEqual(
      upTo(4).map((c) => [`c${c}`, "mm[Hg]", c, 10]),
    );
    expect(of(5)).toBeUndefined();
    expect(summarize(strip({ at: [0, 1, 2] }))).toBeUndefined();
    expect(summarize(strip({ at: [0, 1, 2] }), 3)).toBeDefined();
    expect(summarize(strip({ at: [0, 1, 2, 3, 60, 61, 62] }))).toBeUndefined();
    expect(summarize(strip({ at: [0, 1, 2, 3, 4, 60, 61, 62] }))).toBeDefined();
  });

  it("is not made where a sum is no exact double", () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(summarize(strip({ at: upTo(4), values: [most, 0, 0, 0] }))).toBeDefined();
    expect(summarize(strip({ at: upTo(4), values: [most, 1, -1, 0] }))).toBeUndefined();
    expect(summarize(strip({ at: upTo(4), values: [-most, -1, 0, 0] }))).toBeUndefined();
  });

  it("comes back as it was written, and is not read out of anything else", () => {
    const values = components(3, (c) => Float64Array.from(upTo(8), (i) => c * 100 + i));
    const summary = summarize(
      strip({ at: [0, 1, 2, 3, 60, 61, 62, 63], columns: values, durationMs: HOUR }),
    )!;
    expect(summary.parts).toHaveLength(3);
    expect(decodeSummary(encodeSummary(summary))).toEqual(summary);
    const header = Buffer.from(JSON.stringify({ source, overhang: 0, parts: [] }));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(header.length);
    const samples = encodeBlock(strip({ at: [0] }).columns);
    expect(() => decodeSummary(Buffer.concat([length, header, samples]))).toThrowError(TypeError);
  });
});

describe("compaction", () => {
  const minutesOf = (block: CompactedBlock) =>
    block.map(({ columns }) => [...columns.times].map((time) => (time - start) / MINUTE));

  it("makes one block of strips of one source and format, whatever their order, and keeps each origin", () => {
    const strips = [
      strip({ at: [4, 5], sequence: 2, item: 1 }),
      strip({ at: [0, 1], sequence: 3 }),
      strip({ at: [2, 3], sequence: 1 }),
    ];
    const [block, ...others] = compact(strips);
    expect(others).toEqual([]);
    expect(minutesOf(block!)).toEqual([[0, 1, 2, 3, 4, 5]]);
    expect(block![0]!.origins.map(({ sequence, item }) => [sequence, item])).toEqual([
      ...[
        [3, 0],
        [3, 0],
        [1, 0],
        [1, 0],
      ],
      ...[
        [2, 1],
        [2, 1],
      ],
    ]);
    expect(block![0]!.source).toEqual(source);
  });

  it("puts what a later sample hides beneath it: by commit, then by item", () => {
    const strips = [
      strip({ at: [0], values: [1], sequence: 2, item: 0 }),
      strip({ at: [0], values: [2], sequence: 2, item: 1 }),
      strip({ at: [0], values: [3], sequence: 1, item: 9 }),
    ];
    const [block] = compact(strips);
    expect(
      block!.map(({ columns }) => [...(columns.values as { mantissas: Float64Array }).mantissas]),
    ).toEqual([[2], [1], [3]]);
  });

  it("keeps sources and formats apart, and makes nothing of nothing", () => {
    const strips = [
      strip({ at: [0] }),
      strip({ at: [] }),
      strip({ at: [1], model: "Ring" }),
      strip({ at: [2], unit: "Hz" }),
      strip({ at: [3], model: "Ring" }),
    ];
    expect(compact(strips).map(minutesOf)).toEqual([[[0]], [[1, 3]], [[2]]]);
    expect(compact([])).toEqual([]);
    expect(compact([strip({ at: [] })])).toEqual([]);
  });

  it("puts no more codes into one block than its dictionary holds, and all that fit", () => {
    const half = BLOCK_LIMITS.dictionary / 2;
    const some = (from: number, count: number, at: number) => {
      const codes = upTo(count, from).map((i) => `code-${i}`);
      return strip({ at: upTo(count, at), columns: coded(...codes), unit: "" });
    };
    const sizes = (...strips: Strip[]) => compact(strips).map((block) => block[0]!.columns.times.length);
    expect(sizes(some(0, half, 0), some(half, half, half))).toEqual([2 * half]);
    expect(sizes(some(0, half, 0), some(half, half + 1, half))).toEqual([half, half + 1]);
    // The third has codes of the first, and finds room there; what came between stays for itself.
    expect(sizes(some(0, half, 0), some(half, half + 1, half), some(0, half, 3 * half))).toEqual([
      2 * half,
      half + 1,
    ]);
    expect(sizes(some(0, half, 0), some(half, half, half), some(2 * half, 1, 2 * half))).toEqual([
      2 * half,
      1,
    ]);
  });

  it("takes commits away, layer by layer, and leaves the others as they were", () => {
    const [block] = compact([
      strip({ at: [0, 1, 2], sequence: 1 }),
      strip({ at: [1, 3], sequence: 2 }),
      strip({ at: [5], sequence: 3 }),
    ]);
    const left = (...gone: number[]) =>
      without(block!, new Set(gone)).map(({ columns, origins, source: of }) => {
        expect(of).toEqual(source);
        return [...columns.times].map((time, i) => [(time - start) / MINUTE, origins[i]!.sequence]);
      });
    expect(left(2, 3)).toEqual([
      [
        [0, 1],
        [2, 1],
      ],
      [[1, 1]],
    ]);
    expect(left(1)).toEqual([
      [
        [1, 2],
        [3, 2],
        [5, 3],
      ],
    ]);
    expect(left(1, 2, 3)).toEqual([]);
  });

  it("names in clear where a block begins, ends and reaches, how many it has and of which commits", async () => {
    const box = await openBox();
    const place = { partition: "eu/pat", series: "s", code: "c" };
    const reach = 40 * MINUTE;
    const documents = compactedInserts(
      box,
      place,
      [
        strip({ at: [0, 1, 2, 3], sequence: 7, durationMs: Uint32Array.of(0, reach, 0, 0) }),
        strip({ at: [2, 5], sequence: 4, durationMs: Uint32Array.of(0, 0) }),
        strip({ at: [9], sequence: 5, model: "Ring" }),
      ],
      randomIds,
    ).map((insert) => {
      expect(insert).toMatchObject({ kind: "insert", collection: "blocks" });
      return insert.kind === "insert" ? (insert.document as unknown as CompactedDocument) : undefined!;
    });
    const [first, second] = documents;
    expect(documents).toHaveLength(2);
    expect(first!.batch).not.toBe(second!.batch);
    expect(first).toMatchObject({
      ...{ ...place, item: 0, count: 6, first_sequence: 4, last_sequence: 7 },
      ...{ from_ms: start, to_ms: start + 5 * MINUTE + 1, until_ms: start + MINUTE + reach },
    });
    expect(second).toMatchObject({
      ...{ ...place, item: 0, count: 1, first_sequence: 5, last_sequence: 5, summary: undefined },
      ...{ from_ms: start + 9 * MINUTE, to_ms: start + 9 * MINUTE + 1, until_ms: start + 9 * MINUTE + 1 },
    });
    expect(box.openCompacted(first!).map(({ columns }) => columns.times.length)).toEqual([4, 2]);
    expect([...box.openSummary(first!)!.counts]).toEqual([4]);
    expect(compactedInserts(box, place, [], randomIds)).toEqual([]);
  });

  it("makes no block of 31 days or more from its first sample to its last", () => {
    const days = 31 * 24 * 60;
    const counts = (last: number) =>
      compact([strip({ at: [0] }), strip({ at: [last], sequence: 2 })]).map((block) =>
        minutesOf(block).flat(),
      );
    expect(counts(days - 1)).toEqual([[0, days - 1]]);
    expect(counts(days)).toEqual([[0], [days]]);
  });

  it("fills blocks, and leaves none small", () => {
    const count = (samples: number) =>
      compact([strip({ at: upTo(samples) })]).map((block) => block[0]!.columns.times.length);
    expect(count(FULL_SAMPLES * 1.5)).toEqual([FULL_SAMPLES * 1.5]);
    expect(count(FULL_SAMPLES * 1.5 + 1)).toEqual([FULL_SAMPLES, FULL_SAMPLES / 2 + 1]);
  });
});
