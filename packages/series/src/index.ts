export {
  type Aggregate,
  type AggregatedColumn,
  aggregateColumns,
  compareDecimals,
  type DecimalValue,
  type ExactDecimal,
  exactSum,
  meanOf,
  mergeAggregates,
} from "./aggregate.ts";
export { decodeBlock, encodeBlock } from "./block.ts";
export {
  BLOCK_LIMITS,
  type CodedValues,
  type Coding,
  type Columns,
  type ComponentsValues,
  type ComponentValues,
  checkColumns,
  type DecimalValues,
  type ValueColumn,
} from "./columns.ts";
export {
  type Cover,
  coverOf,
  coverWithin,
  endOfSample,
  firstAbove,
  mergeCovers,
  nothingCovered,
  type Ranks,
  reachOf,
  sameCover,
  shownWithin,
} from "./cover.ts";
export { SeriesError, type SeriesErrorCode } from "./series-error.ts";
export {
  concatColumns,
  firstAtOrAfter,
  oneWhereSame,
  pickColumns,
  sameFormat,
  sliceColumns,
  usedConcepts,
  viewOf,
  withUsedConcepts,
} from "./slice.ts";
export { type Layer, type RankedBlock, type Stack, type StackLimits, stackBlocks } from "./stack.ts";
