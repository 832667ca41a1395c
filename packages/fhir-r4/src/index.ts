export {
  type BundleLinks,
  type BundleRequest,
  bundleRequests,
  formatSearchSet,
  type HistoryEntry,
  historyBundle,
  type RequestMethod,
  type ResponseEntry,
  responseBundle,
  type SearchEntry,
  searchSet,
} from "./bundle.ts";
export { canonical, formatJson } from "./canonical.ts";
export { type DateInterval, intervalOfDate } from "./date-interval.ts";
export { type Anonymity, deIdentified, deIdentifiedTypes, shiftOf } from "./de-identified.ts";
export type { ElementDefinition, Invariant, Property, TypeDefinition, TypeKind } from "./definitions.ts";
export { codeLists, definitionOf, isResourceType, resourceTypes } from "./definitions.ts";
export { endOfEvenRun, type TimedSamples } from "./even-run.ts";
export { FhirError, type FhirErrorCode } from "./fhir-error.ts";
export type { Finding, IssueType } from "./finding.ts";
export { formatOf, formatResource, mediaTypes } from "./formats.ts";
export { parseJson } from "./json/parse.ts";
export { defaultLimits, type ParseLimits } from "./limits.ts";
export { mapReferences } from "./map-references.ts";
export { operationOutcome } from "./outcome.ts";
export { type Profile, profileOf, profilesOf } from "./profiles/profiles.ts";
export {
  ExactDecimal,
  exactNumber,
  type FhirNumber,
  type FhirObject,
  type FhirResource,
  type FhirValue,
  isObject,
} from "./resource.ts";
export { type SearchParameter, searchParameters } from "./search-parameters.ts";
export { loadEvaluator } from "./validate/evaluator.ts";
export { type ReferenceTarget, targetOf } from "./validate/references.ts";
export { type FhirFormat, parseResource, validate } from "./validate/validate.ts";
export { formatXml } from "./xml/format.ts";
export { parseXml } from "./xml/parse.ts";
