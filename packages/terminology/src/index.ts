export {
  CATEGORIES,
  type Category,
  categoriesOf,
  codesOf,
  currentVersion,
  isCategory,
  isInCategory,
} from "./categories.ts";
export {
  acceptedCodes,
  type CodeDefinition,
  type CodedCode,
  type ComponentsCode,
  findAnyCode,
  findCode,
  isAllowedValue,
  LOINC,
  type QuantityCode,
  SLEEP_STAGE_SYSTEM,
} from "./codes.ts";
export { TerminologyError, type TerminologyErrorCode } from "./terminology-error.ts";
export { checkUnit, convertDecimal, convertExactly, convertMantissas, type UnitCheck } from "./units.ts";
