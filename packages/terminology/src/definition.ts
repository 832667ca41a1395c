/** LOINC (loinc.org, Regenstrief Institute), as FHIR names it. */
export const LOINC = "http://loinc.org";

/** Our own code system, for concepts without a LOINC code; data/codes.json gives the reason for each. */
export const SLEEP_STAGE_SYSTEM = "https://wellapi.dev/fhir/CodeSystem/sleep-stage-observation";

/** The Unified Code for Units of Measure, as FHIR names it. */
export const UCUM = "http://unitsofmeasure.org";

/** Why a value is missing (HL7 FHIR R4). */
export const DATA_ABSENT_REASON_SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/** A concept of a closed set. */
export interface Concept {
  readonly code: string;
  readonly display: string;
}

/** The range of values that a living body can have, both bounds included; decimals as text in the unit of the code. */
export interface PlausibleRange {
  readonly low: string;
  readonly high: string;
}

interface CodeDefinitionBase {
  /** URI of the code system. */
  readonly system: string;
  /** Unique over all systems here, so the code alone may be a key. */
  readonly code: string;
  /** LOINC's long common name where the system is LOINC. */
  readonly display: string;
}

/** A number with a unit at each time. */
export interface QuantityCode extends CodeDefinitionBase {
  readonly kind: "quantity";
  /** UCUM. Values are stored in the unit that was sent and converted to this one, or another, on read. */
  readonly unit: string;
  readonly plausible: PlausibleRange;
}

/** One concept of a closed set at each time. */
export interface CodedCode extends CodeDefinitionBase {
  readonly kind: "coded";
  /** The system of all `values`. */
  readonly valueSystem: string;
  readonly values: readonly Concept[];
}

/** Several numbers at each time. */
export interface ComponentsCode extends CodeDefinitionBase {
  readonly kind: "components";
  readonly components: readonly QuantityCode[];
}

/** An interval with parts. Its components are the sums over the interval. */
export interface SessionCode extends CodeDefinitionBase {
  readonly kind: "session";
  /** The system of all `segments`. */
  readonly segmentSystem: string;
  /** The codes that its parts may have. */
  readonly segments: readonly Concept[];
}

/** A whole number without a unit. */
export interface IntegerCode extends CodeDefinitionBase {
  readonly kind: "integer";
  readonly plausible: PlausibleRange;
}

/** A ratio of two numbers, each with a unit. */
export interface RatioCode extends CodeDefinitionBase {
  readonly kind: "ratio";
  /** UCUM. */
  readonly numeratorUnit: string;
  readonly denominatorUnit: string;
}

export interface PlainCode extends CodeDefinitionBase {
  readonly kind: "text" | "boolean";
}

export type CodeDefinition =
  | QuantityCode
  | CodedCode
  | ComponentsCode
  | SessionCode
  | IntegerCode
  | RatioCode
  | PlainCode;

/** One version of a category: once published it is never changed, since consents pin it. */
export interface CategorySet {
  readonly category: string;
  /** From 1. */
  readonly version: number;
  /** Of series and observations; may be empty where it has rules for clinical records. */
  readonly codes: readonly string[];
  /** Which clinical records fall into it. Absent: none. */
  readonly records?: RecordRules;
}

/** Which clinical records, FHIR R4 resources, fall into a version of a category: each of the rules adds some. */
export interface RecordRules {
  /** Types of resources, contained ones too. */
  readonly types: readonly string[];
  /** HL7's categories of observations, for those whose code is none of the exchange's. */
  readonly observations: readonly string[];
  /** Code systems of which every code falls into it. */
  readonly systems: readonly SystemRule[];
  /** Codes, wherever in a resource they stand. */
  readonly codes: readonly CodeRule[];
}

export interface SystemRule {
  /** URIs under which the code system is known. */
  readonly systems: readonly string[];
  /** Not within resources of these types. */
  readonly except: readonly string[];
}

export interface CodeRule {
  /** URIs under which the code system is known. */
  readonly systems: readonly string[];
  readonly codes: readonly string[];
  /** First and last of codes in a row, both included, as ICD names blocks: F10 to F19 holds F10.20. Dots do not count. */
  readonly ranges: readonly (readonly [string, string])[];
}

/** How much harm a disclosure may do (HL7 Confidentiality N, R, V), the least first. */
export const sensitivities = ["normal", "restricted", "very_restricted"] as const;
export type Sensitivity = (typeof sensitivities)[number];
