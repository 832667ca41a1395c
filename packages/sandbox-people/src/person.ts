import { createLife, type Life } from "./life.ts";
import { dayNumberAt } from "./local-day.ts";
import { type PersonName, portraits, type SignalOf } from "./people.ts";
import type { Reading } from "./signals.ts";

/** What one device measures of one person. */
export interface Series extends Omit<SignalOf, "signal"> {
  /**
   * What the device has by `toMs` and did not have by `fromMs` (UTC milliseconds), in ascending order of time: a reading is there
   * once its interval is over. Ranges that touch neither share a reading nor lose one.
   */
  readings(fromMs: number, toMs: number): Generator<Reading>;
}

export interface Person {
  readonly name: PersonName;
  readonly displayName: string;
  /** IANA. */
  readonly timeZone: string;
  readonly series: readonly Series[];
}

/** The same seed (a whole number) and name give the same person, on every machine and at every time. */
export function createPerson(name: PersonName, seed: number): Person {
  const { displayName, timeZone, habits, signals } = portraits[name];
  const life = createLife(seed, name, timeZone, habits);
  const series = signals.map(({ signal, ...described }) => ({
    ...described,
    readings: (fromMs: number, toMs: number) => readingsOf(life, signal, fromMs, toMs),
  }));
  return { name, displayName, timeZone, series };
}

function* readingsOf(
  life: Life,
  signal: SignalOf["signal"],
  fromMs: number,
  toMs: number,
): Generator<Reading> {
  // A reading ends on the day that it is of, or at the next midnight.
  const first = dayNumberAt(fromMs, life.timeZone) - 1;
  const last = dayNumberAt(toMs, life.timeZone);
  for (let number = first; number <= last; number++) {
    for (const reading of signal(life.day(number), life)) {
      const thereMs = reading.timeMs + reading.durationMs;
      if (thereMs >= fromMs && thereMs < toMs) yield reading;
    }
  }
}
