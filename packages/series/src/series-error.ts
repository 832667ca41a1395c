/**
 * What went wrong, as a closed set that callers may switch over.
 *
 * - `length_mismatch`: columns of one block differ in length
 * - `times_not_ascending`: times must rise strictly
 * - `out_of_range`: a number outside its documented range
 * - `text_invalid`: a unit, code or display that is too long or not well-formed
 * - `too_large`: more values, components or dictionary entries than a block may hold
 * - `format_mismatch`: blocks that differ in unit, kind, scale, offset or duration cannot be joined
 * - `not_aggregable`: coded values have no sum
 * - `corrupt_block`: the bytes are not a block
 * - `unsupported_version`: the bytes are a block of a version that this build does not know
 */
export type SeriesErrorCode =
  | "length_mismatch"
  | "times_not_ascending"
  | "out_of_range"
  | "text_invalid"
  | "too_large"
  | "format_mismatch"
  | "not_aggregable"
  | "corrupt_block"
  | "unsupported_version";

/**
 * The one error of this package. The message names the rule and the place, never a value: a value is
 * health data, and messages reach logs.
 */
export class SeriesError extends Error {
  override readonly name = "SeriesError";
  readonly code: SeriesErrorCode;
  /** Where, in the terms of `Columns`: `times`, `values.mantissas`, `values.components[1].scale`. */
  readonly field: string;
  /** Which sample, where one sample is to blame. */
  readonly index: number | undefined;

  constructor(
    code: SeriesErrorCode,
    field: string,
    rule: string,
    options: { index?: number; cause?: unknown } = {},
  ) {
    const place = options.index === undefined ? field : `${field}[${options.index}]`;
    super(`${place}: ${rule}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = field;
    this.index = options.index;
  }
}
