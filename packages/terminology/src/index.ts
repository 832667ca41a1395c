export { type Decimal, parseDecimal } from "./decimal.ts";
export {
  type CategorySet,
  type CodeDefinition,
  type CodedCode,
  type ComponentsCode,
  type Concept,
  DATA_ABSENT_REASON_SYSTEM,
  type IntegerCode,
  LOINC,
  type PlausibleRange,
  type QuantityCode,
  type RatioCode,
  type RecordRules,
  type Sensitivity,
  type SessionCode,
  SLEEP_STAGE_SYSTEM,
  sensitivities,
  UCUM,
} from "./definition.ts";
export { proposalOf } from "./near-codes.ts";
export {
  codesOfCategories,
  codesWithout,
  DATA_CATEGORY_SYSTEM,
  OBSERVATION_CATEGORY_SYSTEM,
} from "./observation-categories.ts";
export { openTerminology } from "./open-terminology.ts";
export {
  type CodingInRecord,
  categoryOfKey,
  keysOfCategory,
  type RecordClasses,
  type RecordContent,
} from "./record-classes.ts";
export { shippedTerminology } from "./shipped.ts";
export { createTerminology, type Terminology } from "./terminology.ts";
export { readDocuments, type TerminologyDocument } from "./terminology-document.ts";
export { TerminologyError, type TerminologyErrorCode } from "./terminology-error.ts";
export { isUnit } from "./ucum.ts";
export {
  checkUnitAgainst,
  convertDecimal,
  convertExactly,
  convertMantissas,
  isCount,
  type MantissaBounds,
  mantissaBounds,
  type UnitCheck,
} from "./units.ts";
