import { createLots, type Lot } from "../src/lots/lots.ts";
import { type Due, release } from "../src/lots/release.ts";
import { emptyTold, type ShownRun, type ToldSamples } from "../src/lots/told-samples.ts";
import type { Interval } from "../src/model/interval.ts";

/** A calendar with short days, so that a month is told in a moment. */
export const HOUR = 60;
export const DAY = 6 * HOUR;
const DAYS = 3;
export const MONTH = DAYS * DAY;
/** Of a sum, the digits to this base say how often each sample is in it, if that is at most once. */
export const BASE = 4;
export const DIGITS = 26;
export const COMPONENTS = 12;

export interface Sample {
  readonly time: number;
  /** Its rank, and which it is. */
  readonly id: number;
}

function whole(length: number, until: number): Interval[] {
  return Array.from({ length: MONTH / length }, (_, i) => ({
    from: i * length,
    to: (i + 1) * length,
  })).filter(({ to }) => to <= until);
}

const decimals = { coding: null, unit: "", scale: 0 };

export function runOf(samples: readonly Sample[]) {
  return {
    times: Float64Array.from(samples, ({ time }) => time),
    ranks: Float64Array.from(samples, ({ id }) => id),
    components: Array.from({ length: COMPONENTS }, (_, c) => ({
      ...decimals,
      unit: `c${c}`,
      mantissas: Float64Array.from(samples, ({ id }) =>
        Math.floor(id / DIGITS) === c ? BASE ** (id % DIGITS) : 0,
      ),
    })),
  };
}

/** Lots of a month, while what is shown changes. */
export function createMonth(least: number) {
  const lots: Lot[] = [];
  let nextId = 1;
  let told = emptyTold();
  async function tellRuns(shown: readonly ShownRun[], until: number, other: Partial<Due["buckets"]> = {}) {
    const made = await release({
      lots: createLots(lots),
      told,
      shown,
      buckets: {
        hour: whole(HOUR, until),
        day: whole(DAY, until),
        month: whole(MONTH, until),
        ...other,
      },
      least,
      nextId: () => nextId++,
    });
    told = made.told;
    lots.push(...made.made);
    return made;
  }

  return {
    lots,
    get told() {
      return told;
    },
    set told(now: ToldSamples) {
      told = now;
    },
    /** Of runs as they are, ascending. */
    tellRuns,
    tell(shown: readonly Sample[], until: number) {
      const sorted = shown.filter(({ time }) => time < until).sort((a, b) => a.time - b.time);
      // In two runs, as of two sources.
      const middle = sorted.length >> 1;
      const runs = [sorted.slice(0, middle), sorted.slice(middle)]
        .filter(({ length }) => length > 0)
        .map(runOf);
      return tellRuns(runs, until);
    },
  };
}
