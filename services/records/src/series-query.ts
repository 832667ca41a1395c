import type { Interval } from "./interval.ts";
import type { WantedUnit } from "./unit-conversion.ts";

/** Which samples a reader wants. */
export interface SeriesQuery {
  /** LOINC. */
  readonly code: string;
  readonly interval: Interval;
  readonly wanted: WantedUnit;
}
