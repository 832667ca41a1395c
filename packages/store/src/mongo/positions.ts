import type { Db } from "mongodb";
import { StoreError } from "../errors.ts";
import { durable } from "./client.ts";
import { LANES } from "./system.ts";

/** A position is a tick and, in its lowest ten bits, the lane that gave the tick out. */
const LANE_COUNT = 1024;
/** Milliseconds: with the clock as the source, a reservation lasts ten minutes. */
const RESERVED_TICKS = 600_000;
const MAX_TICK = Math.floor(Number.MAX_SAFE_INTEGER / LANE_COUNT) - 1;

interface LaneDocument {
  readonly _id: number;
  readonly until: number;
}

/**
 * Gives out positions of the outbox: no position twice, whatever the clocks do, and without one counter for which all
 * commits would wait. Ticks follow the clock, so that the ticks of all engines lie close together. A lane's ticks are
 * reserved in the database before they are used, so lanes may be shared and need no owner.
 */
export interface Positions {
  /** Reserves `count` ticks in a row, all after `after`, and returns the first. */
  take(count: number, after: number): Promise<number>;
  position(tick: number): number;
}

export function createPositions(
  db: Db,
  now: () => number,
  timeoutMs: number,
  lane = Math.floor(Math.random() * LANE_COUNT),
): Positions {
  const lanes = db.collection<LaneDocument>(LANES);
  let next = 0;
  let until = 0;
  let reserving: Promise<void> | undefined;

  const reserve = async (atLeast: number, count: number) => {
    // Checked before anything is written: a clock far in the future must not use up a lane for all engines.
    if (atLeast + RESERVED_TICKS + count > MAX_TICK) {
      throw new StoreError("unavailable", "the outbox has no position left after this clock's time");
    }
    const end = { $add: [{ $max: ["$until", atLeast] }, RESERVED_TICKS + count] };
    const options = { upsert: true, returnDocument: "after", writeConcern: durable(timeoutMs) } as const;
    const reserved = await lanes.findOneAndUpdate({ _id: lane }, [{ $set: { until: end } }], options);
    // Two processes created the lane at once: the caller tries again.
    if (!reserved) return;
    if (reserved.until > MAX_TICK) {
      throw new StoreError("unavailable", "the outbox's lane has no position left");
    }
    next = reserved.until - RESERVED_TICKS - count;
    until = reserved.until;
  };

  return {
    async take(count, after) {
      for (;;) {
        const first = Math.max(next, after + 1, Math.floor(now()));
        if (first + count <= until) {
          next = first + count;
          return first;
        }
        reserving ??= reserve(first, count).finally(() => {
          reserving = undefined;
        });
        await reserving;
      }
    },
    position: (tick) => tick * LANE_COUNT + lane,
  };
}
