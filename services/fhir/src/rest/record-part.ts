import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CodingSchema, TimeInterval } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

type Coding = MessageInitShape<typeof CodingSchema>;

/** Which part of a record leaves. */
export interface RecordPart {
  /** Names of categories; empty: all. */
  readonly categories: readonly string[];
  /** What is measured in these categories; undefined where they are all. */
  readonly codes: readonly Coding[] | undefined;
  /** Undefined: all times. */
  readonly interval: TimeInterval | undefined;
}

export const wholeRecord: RecordPart = { categories: [], codes: undefined, interval: undefined };

/** Fields of a request for measurements. */
export interface MeasurementsWithin {
  readonly codes?: Coding[];
  readonly interval?: TimeInterval;
}

/** What one request takes. */
const mostCodes = 64;

/** What to ask for to get the measurements of the part: nothing, once, or by so many codes at a time as a request takes. */
export function measurementsWithin({ codes, interval }: RecordPart): readonly MeasurementsWithin[] {
  const within = interval === undefined ? {} : { interval };
  if (codes === undefined) return [within];
  return Array.from({ length: Math.ceil(codes.length / mostCodes) }, (_, at) => ({
    ...within,
    codes: codes.slice(at * mostCodes, (at + 1) * mostCodes),
  }));
}

/** Fields of a request for clinical records. */
export function recordsWithin({ categories, interval }: RecordPart) {
  return { categories: [...categories], ...(interval === undefined ? {} : { interval }) };
}
