import { createHash } from "node:crypto";
import { dayMs } from "./date-interval.ts";
import { definitionOf, type TypeDefinition } from "./definitions.ts";
import { type FhirObject, type FhirResource, type FhirValue, isObject } from "./resource.ts";
import { validate } from "./validate/validate.ts";

/** What makes one patient's records anonymous in one export. */
export interface Anonymity {
  /** The id that stands for this one, here and nowhere else. */
  pseudonym(id: string): string;
  /** How far dates move: not 0. */
  readonly shiftDays: number;
  /** The year of now, for ages. */
  readonly year: number;
}

/** Types whose content is about the patient's health, and not about who somebody is. */
export const deIdentifiedTypes: ReadonlySet<string> = new Set([
  "AllergyIntolerance",
  "Condition",
  "DiagnosticReport",
  "Encounter",
  "Immunization",
  "MedicationAdministration",
  "MedicationDispense",
  "MedicationRequest",
  "MedicationStatement",
  "Observation",
  "Patient",
  "Procedure",
]);

/** Code systems that everybody has, and the exchange's own: a code of a clinic's own may be a number that names a patient. */
const publicSystems =
  /^(?:http:\/\/(loinc\.org|snomed\.info\/sct|unitsofmeasure\.org|www\.nlm\.nih\.gov\/research\/umls\/rxnorm|hl7\.org\/fhir\/.+|terminology\.hl7\.org\/.+)|https:\/\/wellapi\.dev\/fhir\/CodeSystem\/(observation|sleep-stage-observation))$/;
const publicCode = /^[A-Za-z0-9%[/{][A-Za-z0-9.\-_/[\]{}%*^'#]{0,31}$/;
/** LOINC's codes have a form that words do not have. */
const loincCode = /^(?:LA|LG|LL|LP)?\d{1,8}-\d$/;
const oldest = 89;

/**
 * The resource without what tells who the patient is (HIPAA Safe Harbor, 45 CFR 164.514(b)(2)). Nothing is searched for and taken out:
 * only numbers, codes of public systems and moved dates are taken over, from elements that FHIR defines; every text, name, identifier,
 * address, note, narrative, extension and contained resource stays behind. Undefined where what is left is no valid resource.
 */
export function deIdentified(resource: FhirResource, anonymity: Anonymity): FhirResource | undefined {
  const { resourceType, id } = resource;
  const type = definitionOf(resourceType);
  if (!deIdentifiedTypes.has(resourceType) || type === undefined || typeof id !== "string") return undefined;
  const content =
    resourceType === "Patient" ? personOf(resource, anonymity) : cleanObject(resource, type, anonymity);
  const cleaned: FhirResource = { resourceType, id: anonymity.pseudonym(id), ...content };
  return validate(cleaned).some(({ severity }) => severity === "error") ? undefined : cleaned;
}

/** Sex, and the year of birth unless it tells an age over 89. */
function personOf({ gender, birthDate }: FhirResource, { year }: Anonymity): FhirObject {
  const born = typeof birthDate === "string" ? Number(birthDate.slice(0, 4)) : Number.NaN;
  return {
    ...(typeof gender === "string" && { gender }),
    ...(year - born <= oldest && { birthDate: String(born) }),
  };
}

function cleanObject(object: FhirObject, type: TypeDefinition, anonymity: Anonymity): FhirObject {
  const kept: Record<string, FhirValue> = {};
  for (const [name, value] of Object.entries(object)) {
    const property = type.properties.get(name);
    if (property === undefined || property.companion || value === undefined || name === "id") continue;
    const cleaned = cleanValue(value, property.type, property.element.codes !== undefined, anonymity);
    if (cleaned !== undefined) kept[name] = cleaned;
  }
  return kept;
}

function cleanValue(
  value: FhirValue,
  type: TypeDefinition,
  closed: boolean,
  anonymity: Anonymity,
): FhirValue | undefined {
  if (Array.isArray(value)) return cleanList(value, type, closed, anonymity);
  if (!isObject(value)) return cleanPrimitive(value, type.name, closed, anonymity);
  const cleaned = cleanComplex(value, type, anonymity);
  return cleaned !== undefined && Object.keys(cleaned).length > 0 ? cleaned : undefined;
}

function cleanList(
  values: readonly FhirValue[],
  type: TypeDefinition,
  closed: boolean,
  anonymity: Anonymity,
): readonly FhirValue[] | undefined {
  const kept: FhirValue[] = [];
  for (const one of values) {
    const cleaned = cleanValue(one, type, closed, anonymity);
    if (cleaned !== undefined) kept.push(cleaned);
  }
  return kept.length > 0 ? kept : undefined;
}

function cleanPrimitive(
  value: FhirValue,
  type: string,
  closed: boolean,
  { shiftDays, year }: Anonymity,
): FhirValue | undefined {
  switch (type) {
    case "boolean":
    case "decimal":
    case "integer":
    case "positiveInt":
    case "unsignedInt":
      return value;
    case "code":
      // Of a closed set, as the status; others could be any word.
      return closed ? value : undefined;
    case "date":
    case "dateTime":
      return typeof value === "string" ? movedDate(value, shiftDays, year) : undefined;
    default:
      return undefined;
  }
}

/** By types, since a name says nothing: what is not named here has no part that may be told. */
function cleanComplex(value: FhirObject, type: TypeDefinition, anonymity: Anonymity): FhirObject | undefined {
  switch (type.name) {
    case "Coding":
      return cleanCoding(value);
    case "CodeableConcept": {
      const coding: FhirObject[] = [];
      for (const one of Array.isArray(value.coding) ? value.coding : []) {
        const cleaned = isObject(one) ? cleanCoding(one) : undefined;
        if (cleaned !== undefined) coding.push(cleaned);
      }
      return coding.length > 0 ? { coding } : undefined;
    }
    case "Reference":
      return cleanReference(value, anonymity);
    case "Quantity":
    case "SimpleQuantity":
    case "Age":
    case "Duration":
    case "Distance":
    case "Count":
      return cleanQuantity(value, type.name);
    case "SampledData":
      return cleanSamples(value, type, anonymity);
    case "Period":
    case "Range":
    case "Ratio":
    case "Timing":
    case "Dosage":
      return cleanObject(value, type, anonymity);
    default:
      return type.kind === "part" ? cleanObject(value, type, anonymity) : undefined;
  }
}

function cleanCoding({ system, code }: FhirObject): FhirObject | undefined {
  if (typeof system !== "string" || typeof code !== "string") return undefined;
  const form = system === "http://loinc.org" ? loincCode : publicCode;
  return publicSystems.test(system) && form.test(code) ? { system, code } : undefined;
}

function cleanQuantity(
  { value, comparator, system, code }: FhirObject,
  type: string,
): FhirObject | undefined {
  if (value === undefined || (type === "Age" && Number(value) > oldest)) return undefined;
  const coded = cleanCoding({ system, code });
  // A number of years may be an age wherever it stands: nothing else that is measured of a person lasts as long.
  const [, unit] = /^(a|a_[jtg]|mo|mo_[sjg]|wk|d)$/.exec(String(coded?.code)) ?? [];
  if (unit !== undefined && Number(value) >= (oldest + 1) * perYear(unit)) return undefined;
  return { value, ...(comparator !== undefined && { comparator }), ...coded };
}

/** How many of a unit of time are a year, rounded down. */
function perYear(unit: string): number {
  if (unit.startsWith("a")) return 1;
  if (unit.startsWith("mo")) return 12;
  return unit === "wk" ? 52 : 365;
}

/** Numbers, and the three letters that FHIR has for no number. */
const sampleForm = /^(?:-?[0-9]+(?:\.[0-9]+)?|E|U|L)(?: (?:-?[0-9]+(?:\.[0-9]+)?|E|U|L))*$/;

function cleanSamples(value: FhirObject, type: TypeDefinition, anonymity: Anonymity): FhirObject | undefined {
  const { data } = value;
  const numbers = typeof data === "string" && sampleForm.test(data) ? { data } : {};
  return { ...cleanObject(value, type, anonymity), ...numbers };
}

const referenceForm = /^([A-Z][A-Za-z]+)\/((?:pat|rec)-[0-9a-z]{26})$/;

/** To the patient and to records of the same export; whatever else it names stays behind. */
function cleanReference({ reference }: FhirObject, { pseudonym }: Anonymity): FhirObject | undefined {
  const [, type, id] = typeof reference === "string" ? (referenceForm.exec(reference) ?? []) : [];
  return type !== undefined && deIdentifiedTypes.has(type)
    ? { reference: `${type}/${pseudonym(id!)}` }
    : undefined;
}

/** To the day, moved; what names no day, to the year. The time of day stays behind, and dates that tell an age over 89. */
function movedDate(text: string, shiftDays: number, now: number): string | undefined {
  const [, year, month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?/.exec(text) ?? [];
  if (year === undefined || now - Number(year) > oldest) return undefined;
  const middle = Date.UTC(
    Number(year),
    month === undefined ? 6 : Number(month) - 1,
    day === undefined ? 15 : Number(day),
  );
  const moved = new Date(middle + shiftDays * dayMs).toISOString();
  return moved.slice(0, day === undefined ? 4 : 10);
}

/** From -365 to 365 and not 0, by a secret text. */
export function shiftOf(secret: string): number {
  const number = createHash("sha256").update(secret).digest().readUInt32BE(0) % 730;
  return number < 365 ? number - 365 : number - 364;
}
