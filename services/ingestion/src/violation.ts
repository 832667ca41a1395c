/** One field that is wrong. */
export interface Violation {
  /** Path by the contract's field names, from whatever the judgement was about. */
  readonly field: string;
  readonly reason: string;
  readonly description: string;
}

/**
 * Every reason for which an item is not stored, with what is wrong and how to mend it. Nothing that was sent is
 * repeated in it. README.md explains each.
 */
const descriptions = {
  CODE_UNKNOWN: "not a code that is accepted here: use one of the accepted LOINC codes",
  CODE_IS_COMPONENT: "occurs only as a component: send it inside the code of its panel",
  CODE_WITHOUT_CATEGORY: "no consent can name it, since it is in no category: use another code",
  VALUE_WRONG_KIND: "not the kind of value that the code has",
  UNIT_UNKNOWN: "not a UCUM unit that can be converted",
  UNIT_WRONG_DIMENSION: "does not measure what the code is about",
  SCALE_OUT_OF_RANGE: "must be an integer from 0 to 9",
  VALUE_OUT_OF_RANGE: "must lie within ±(2^53 − 1) without the point: use fewer digits",
  CODED_VALUE_UNKNOWN: "not in the code's set of values",
  INDEX_OUT_OF_RANGE: "must be a position in the dictionary, from 0",
  COMPONENT_UNKNOWN: "not a component of the code",
  COMPONENT_REPEATED: "the same component stands before: send each once",
  COMPONENT_MISSING: "lacks a component of the code",
  SERIES_EMPTY: "holds no sample: leave it out",
  SERIES_TOO_LONG: "must span less than 31 days: send it as several series",
  LENGTH_MISMATCH: "columns differ in length: send one value for each time",
  GAP_ZERO: "must be 1 or more: times ascend",
  TIME_INVALID: "not a date and time that exists",
  TIME_TOO_FINE: "must be whole milliseconds: round it",
  TIME_BEFORE_1900: "must be in 1900 or later: check the device's clock",
  TIME_IN_FUTURE: "must not lie more than 10 minutes after now: check clock, time zone and offset",
  TIME_ZONE_REQUIRED: "a local time needs the batch's time_zone: set it, or send an instant",
  LOCAL_TIME_SKIPPED: "does not exist in the time zone, whose clocks were put forward: send the instant",
  OFFSET_WITH_LOCAL_TIME: "must be 0 with a local time: the offset is taken from the time zone",
  OFFSET_CHANGES_WITHIN:
    "the time zone changes its offset within the series: send it as two, the second from its start_time on",
  DURATION_TOO_LONG: "longer than a value may be about",
} as const;

export type ItemReason = keyof typeof descriptions;

export const itemReasons = Object.keys(descriptions) as readonly ItemReason[];

/** @param remedy how to mend it in this case, where more can be said than for the reason in general */
export function violation(field: string, reason: ItemReason, remedy?: string): Violation {
  const description = descriptions[reason];
  return { field, reason, description: remedy === undefined ? description : `${description}: ${remedy}` };
}

/** As `violation`, for the first of several wrong entries of a column. */
export function firstViolation(field: string, reason: ItemReason, count: number): Violation {
  const one = violation(field, reason);
  return count === 1 ? one : { ...one, description: `${one.description} (and ${count - 1} more)` };
}
