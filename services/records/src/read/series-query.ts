import type { Interval } from "../model/interval.ts";
import type { SourceFilter } from "./source-filter.ts";
import type { WantedUnit } from "./unit-conversion.ts";

/** The samples that a reader requests. */
export interface SeriesQuery {
  /** Key of the code. */
  readonly code: string;
  readonly interval: Interval;
  readonly sources: SourceFilter;
  readonly wanted: WantedUnit;
}
