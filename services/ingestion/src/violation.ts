/** One field that is wrong. */
export interface Violation {
  /** Path by the contract's field names, from the judged part. */
  readonly field: string;
  readonly reason: string;
  readonly description: string;
}

/**
 * Every reason for which an item is not stored, with what is wrong and how to correct it. It repeats nothing that was
 * sent. README.md explains each.
 */
const descriptions = {
  CODE_REQUIRED: "says not what it is: set the code",
  CODE_UNKNOWN: "not a code that is accepted here, see ListCodes",
  CODE_IS_COMPONENT: "occurs only as a component: send it inside the code of its panel",
  CODE_WITHOUT_CATEGORY: "no consent can name it, since it is in no category: use another code",
  VALUE_REQUIRED: "there is no value",
  VALUE_WRONG_KIND: "not the kind of value that the code has",
  VALUE_IMPLAUSIBLE: "outside what a living body can have",
  VALUE_AND_ABSENT_REASON: "there is a value, and a reason why there is none: send one of them",
  ABSENT_REASON_UNKNOWN: "not a reason for the absence of a value",
  DECIMAL_INVALID: "no plain decimal: write digits without an exponent, for example 60 or 98.6",
  COLUMNS_MIXED: "send one of `mantissas` with `scale`, `wide_mantissas` with `scale`, and `values`",
  RANGE_INCOMPLETE: "neither low nor high is there: set one of them",
  RANGE_UNITS_DIFFER: "low and high differ in unit: send both in one",
  RANGE_REVERSED: "low is greater than high: swap them",
  RATIO_INCOMPLETE: "needs a numerator, and a denominator that is not 0",
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
  SERIES_TOO_LONG:
    "must span less than 31 days, and 32 to the end of its last sample: send it as several series",
  LENGTH_MISMATCH: "columns differ in length: send one value for each time",
  GAP_ZERO: "must be 1 or more: times ascend",
  LIST_TOO_LONG: "has too many entries",
  TEXT_TOO_LONG: "is too long",
  TEXT_INVALID: "is no Unicode text: half of a surrogate pair stands alone",
  ENUM_UNKNOWN: "not a value of the enumeration: use one that the contract names",
  TIME_REQUIRED: "says not when it was",
  SPACING_REQUIRED: "several samples need `period_ms` or `gaps`: set one of them",
  PERIOD_ZERO: "must be 1 or more: times ascend",
  TIME_INVALID: "not a date and time that exists: write it as 2026-04-12T08:00:00+02:00, or ...Z for UTC",
  TIME_TOO_FINE: "must be whole milliseconds: round it",
  TIME_BEFORE_1900: "must be in 1900 or later: check the device's clock",
  TIME_IN_FUTURE: "must not lie more than 10 minutes after now: check clock, time zone and offset",
  TIME_ZONE_REQUIRED: "a time without an offset needs the batch's time_zone: set it, or write the offset",
  LOCAL_TIME_SKIPPED:
    "does not exist in the time zone, whose clocks were put forward: send it with its offset",
  UTC_OFFSET_REQUIRED: "the offset from UTC at capture is not known",
  UTC_OFFSET_OUT_OF_RANGE: "must be from -1080 to 1080 minutes, 18 hours",
  OFFSET_WITH_TIME_TEXT: "a time as text has its offset, or takes it from the time zone: leave this out",
  OFFSET_CHANGES_WITHIN:
    "the time zone changes its offset within the series: send it as two, the second from its start_time on",
  DURATION_TOO_LONG: "longer than a value may be about",
  DURATION_ZERO: "must be 1 or more: send instants as a series of their own",
  DURATION_REQUIRED: "a session is about an interval: set `duration_ms`",
  DURATIONS_MIXED: "send `duration_ms` or `durations_ms`, not both",
  GRANULARITY_REQUIRED: "values about intervals need the class of their length",
  GRANULARITY_MISMATCH: "does not fit the duration: instants have none, all others have one",
  SEGMENTS_NOT_ALLOWED: "the code is not of a session: send segments with a session's code",
  SEGMENT_ORDER: "starts before the one before it: send segments in the order of their start",
  SEGMENT_OUTSIDE:
    "reaches beyond the session's end: mend its offset and duration, or the session's duration",
} as const;

export type ItemReason = keyof typeof descriptions;

export const itemReasons = Object.keys(descriptions) as readonly ItemReason[];

/** @param remedy how to correct it in this case, where more can be said than for the reason in general */
export function violation(field: string, reason: ItemReason, remedy?: string): Violation {
  const description = descriptions[reason];
  return { field, reason, description: remedy === undefined ? description : `${description}: ${remedy}` };
}

/** As `violation`, for the first of several wrong entries of a column. */
export function firstViolation(field: string, reason: ItemReason, count: number): Violation {
  const one = violation(field, reason);
  return count === 1 ? one : { ...one, description: `${one.description} (and ${count - 1} more)` };
}
