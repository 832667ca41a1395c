import { type FhirObject, type FhirResource, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { Pairwise } from "@wellapi/vault";

/**
 * A reference to something of this exchange: `Condition/rec-…`. FHIR's ids have no underscore, so ids have a hyphen here; an
 * underscore is taken, too. Behind it a version or a fragment may follow.
 */
const ours =
  /^([A-Z][A-Za-z]{1,63})\/(pat|rec|obs|dev)[-_]([0-9a-hjkmnp-tv-z]{26})(?:[-_]([0-9]{1,4}))?((?:\/_history\/[0-9]{1,9})?(?:#.*)?)$/;

/** A reference to something of this exchange, in its parts. */
export interface OurReference {
  readonly type: string;
  readonly prefix: string;
  /** `<prefix>_<26 characters>` */
  readonly id: string;
  /** Of an observation: its position in its batch. */
  readonly item: string | undefined;
  readonly rest: string;
}

/** Undefined for what is none of the exchange. */
export function parseReference(reference: string): OurReference | undefined {
  const [, type, prefix, bits, item, rest] = ours.exec(reference) ?? [];
  if (type === undefined) return undefined;
  if ((prefix === "obs") !== (item !== undefined)) return undefined;
  return { type, prefix: prefix!, id: `${prefix}_${bits}`, item, rest: rest! };
}

function format({ type, id, item, rest }: OurReference): string {
  return `${type}/${fhirId(id)}${item === undefined ? "" : `-${item}`}${rest}`;
}

/** An id as FHIR writes it. */
export function fhirId(id: string): string {
  return id.replace("_", "-");
}

/**
 * With each `reference` of the resource, contained ones too, replaced by what `change` says. By its name and not by its type, as
 * fhir-r4's `mapReferences` goes: a URI that is called so (`Immunization.education.reference`) may name a patient, too.
 */
export function withReferences(resource: FhirResource, change: (reference: string) => string): FhirResource {
  function changed(value: FhirValue): FhirValue {
    if (Array.isArray(value)) return (value as readonly FhirValue[]).map(changed);
    return isObject(value) ? changedObject(value) : value;
  }
  function changedObject(object: FhirObject): FhirObject {
    const members = Object.entries(object).map(([member, value]) => {
      const isReference = member === "reference" && typeof value === "string";
      return [member, isReference ? change(value) : changed(value!)] as const;
    });
    return Object.fromEntries(members);
  }
  return changedObject(resource) as FhirResource;
}

/** All references, in the order in which they stand. */
export function referencesIn(resource: FhirResource): string[] {
  const found: string[] = [];
  withReferences(resource, (reference) => {
    found.push(reference);
    return reference;
  });
  return found;
}

/** The patient whom a reference names: an id as the party has it, or undefined where it names none of the exchange. */
export function patientOf(reference: string): string | undefined {
  const parsed = parseReference(reference);
  return parsed?.prefix === "pat" ? parsed.id : undefined;
}

/** A party's reference with internal ids. What is none of the exchange stays as it is. */
export function inwardReference(pairwise: Pairwise, party: string, reference: string): string {
  const parsed = parseReference(reference);
  const id = parsed && pairwise.inward(party, parsed.prefix, parsed.id);
  return id === undefined ? reference : format({ ...parsed!, id });
}

/** An internal reference as a party sees it. */
export function outwardText(pairwise: Pairwise, party: string, reference: OurReference): string {
  return format({ ...reference, id: pairwise.outward(party, reference.id) });
}

/** The internal reference to a record, or, of the type Patient, to the patient. */
export function recordReference(type: string, record: string, patient: string): string {
  return type === "Patient" ? `Patient/${fhirId(patient)}` : `${type}/${fhirId(record)}`;
}

/** The internal ids of the records that are referred to. */
export function recordsReferredTo(resource: FhirResource): Set<string> {
  const records = referencesIn(resource)
    .map(parseReference)
    .filter((one) => one?.prefix === "rec");
  return new Set(records.map((one) => one!.id));
}
