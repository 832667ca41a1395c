import { describe, expect, it } from "vitest";
import type { SummarizedBlock, Summary } from "../src/blocks/summary.ts";
import { planRollup } from "../src/read/aggregates/rollup.ts";

const HOUR = 3_600_000;
const source = {
  ...{ organization: "org", application: "app", device: "serial", model: "Band", method: 1, granularity: 2 },
};
const span = (from: number, to: number) => ({ from: from * HOUR, to: to * HOUR });

function summaryOf(starts: readonly number[], overhang = 0): Summary {
  const column = () => new Float64Array(starts.length);
  return {
    ...{ source, overhang: overhang * HOUR, parts: [], counts: column(), sequences: column() },
    starts: Float64Array.from(starts, (hour) => hour * HOUR),
  };
}

/** A block with samples from `from` to right before `to`, which cover up to `until`; in hours. */
function block(from: number, to: number, more: { until?: number; hours?: number[]; overhang?: number } = {}) {
  const hours =
    more.hours ?? Array.from({ length: Math.ceil(to) - Math.floor(from) }, (_, i) => Math.floor(from) + i);
  return {
    ...span(from, to),
    until: (more.until ?? to) * HOUR,
    summary: summaryOf(hours, more.overhang),
  } satisfies SummarizedBlock;
}

function plan(
  blocks: readonly SummarizedBlock[],
  edges: readonly number[],
  released: readonly boolean[] = edges.slice(1).map(() => true),
) {
  const counted = Float64Array.from(edges, (hour) => hour * HOUR);
  const { hours, samples } = planRollup(blocks, { edges: counted, counted, released, told: [] });
  return {
    hours: hours.map(({ summary, bucket, first, end }) => [
      blocks.findIndex((one) => one.summary === summary),
      bucket,
      first,
      end,
    ]),
    samples: samples.map(({ from, to }) => [from / HOUR, to / HOUR]),
  };
}

describe("what a rollup reads", () => {
  it("is no sample where a block lies alone in its bucket, also one with half hours at its ends", () => {
    expect(plan([block(0, 3)], [0, 24])).toEqual({ hours: [[0, 0, 0, 3]], samples: [] });
    expect(plan([block(0.5, 2.25)], [0, 24])).toEqual({ hours: [[0, 0, 0, 3]], samples: [] });
    expect(plan([block(0.5, 2.25)], [0.5, 2.25])).toEqual({ hours: [[0, 0, 0, 3]], samples: [] });
    expect(plan([], [0, 24])).toEqual({ hours: [], samples: [] });
  });

  it("is no sample where buckets end with hours: each counts its own", () => {
    expect(plan([block(0, 6)], [0, 2, 4, 6])).toEqual({
      hours: [
        [0, 0, 0, 2],
        [0, 1, 2, 4],
        [0, 2, 4, 6],
      ],
      samples: [],
    });
    expect(plan([block(1, 5, { hours: [1, 2, 4] })], [0, 2, 4, 6]).hours).toEqual([
      [0, 0, 0, 1],
      [0, 1, 1, 2],
      [0, 2, 2, 3],
    ]);
  });

  it("are the samples of an hour that an edge cuts, and of that one alone", () => {
    expect(plan([block(0, 5)], [0, 2.5, 5])).toEqual({
      hours: [
        [0, 0, 0, 2],
        [0, 1, 3, 5],
      ],
      samples: [[2, 3]],
    });
    // The first edge cuts an hour, too: before it nothing is counted.
    expect(plan([block(0, 3)], [0.5, 24])).toEqual({ hours: [[0, 0, 1, 3]], samples: [[0.5, 1]] });
    expect(plan([block(0, 3)], [-1, 2.5])).toEqual({ hours: [[0, 0, 0, 2]], samples: [[2, 2.5]] });
  });

  it("is nothing before the first bucket, behind the last, or where nothing is released", () => {
    expect(plan([block(0, 3)], [3, 24])).toEqual({ hours: [], samples: [] });
    expect(plan([block(0, 3)], [-24, 0])).toEqual({ hours: [], samples: [] });
    expect(plan([block(0, 6)], [0, 2, 4, 6], [true, false, true])).toEqual({
      hours: [
        [0, 0, 0, 2],
        [0, 2, 4, 6],
      ],
      samples: [],
    });
    expect(plan([block(0, 5)], [0, 2.5, 5], [false, false])).toEqual({ hours: [], samples: [] });
    // Of an hour that two share, only the released part is read.
    expect(plan([block(0, 5)], [0, 2.5, 5], [false, true])).toEqual({
      hours: [[0, 1, 3, 5]],
      samples: [[2.5, 3]],
    });
    expect(plan([block(0, 5)], [0, 2.5, 5], [true, false])).toEqual({
      hours: [[0, 0, 0, 2]],
      samples: [[2, 2.5]],
    });
  });

  it("are the samples of blocks without a summary, within what is released", () => {
    const loose = { ...span(1, 7), until: 7 * HOUR };
    expect(plan([loose], [0, 2, 4, 6], [true, false, true])).toEqual({
      hours: [],
      samples: [
        [1, 2],
        [4, 6],
      ],
    });
  });

  it("are the samples of hours into which another block reaches, of both", () => {
    expect(plan([block(0, 6), block(4, 9)], [0, 24])).toEqual({
      hours: [
        [0, 0, 0, 4],
        [1, 0, 2, 5],
      ],
      samples: [[4, 6]],
    });
    // One in the middle of a long one.
    expect(plan([block(0, 9), block(3.5, 4.5)], [0, 24])).toEqual({
      hours: [
        [0, 0, 0, 3],
        [0, 0, 5, 9],
      ],
      samples: [[3, 5]],
    });
    // Three, of which the first reaches into the last over the one between.
    expect(plan([block(0, 8), block(2, 3), block(6, 9)], [0, 24])).toEqual({
      hours: [
        [0, 0, 0, 2],
        [0, 0, 3, 6],
        [2, 0, 2, 3],
      ],
      samples: [
        [2, 3],
        [6, 8],
      ],
    });
  });

  it("are no samples where blocks only touch", () => {
    expect(plan([block(0, 3), block(3, 6)], [0, 24])).toEqual({
      hours: [
        [0, 0, 0, 3],
        [1, 0, 0, 3],
      ],
      samples: [],
    });
  });

  it("are the samples of hours whose own samples reach to where another block begins", () => {
    // Samples of half an hour: those of hour 2 may reach to 3:30, where the other begins before.
    const long = { until: 3.5, overhang: 0.5 };
    expect(plan([block(0, 3, long), block(3.25, 6)], [0, 24])).toEqual({
      hours: [
        [0, 0, 0, 2],
        [1, 0, 1, 3],
      ],
      samples: [
        [2, 3],
        [3.25, 4],
      ],
    });
    expect(plan([block(0, 3, long), block(3.5, 6)], [0, 24]).samples).toEqual([]);
  });
});
