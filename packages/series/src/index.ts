export {
  type Aggregate,
  type AggregatedColumn,
  aggregateColumns,
  compareDecimals,
  type DecimalValue,
  type ExactDecimal,
  meanOf,
  mergeAggregates,
  type TimedValue,
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
export { type CommittedBlock, overlay } from "./overlay.ts";
export { SeriesError, type SeriesErrorCode } from "./series-error.ts";
export { concatColumns, sameFormat, sliceColumns } from "./slice.ts";
