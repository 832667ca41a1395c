import type { ResolvedTime } from "@wellapi/normalize/time-zone";
import type { Violation } from "./violation.ts";

/** The findings about one item. */
export interface ItemJudgement {
  /** Empty for a good item. Fields are paths from the item. */
  readonly violations: readonly Violation[];
  /** The first time, where it was sent as text and could be resolved. */
  readonly resolved: ResolvedTime | undefined;
}
