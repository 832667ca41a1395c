import { type FhirObject, type FhirResource, isObject } from "@wellapi/fhir-r4";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { ItemViolation } from "../write/judgement.ts";
import { recordContentOf } from "./record-content.ts";
import { inwardReference, patientOf, referencesIn, withReferences } from "./references.ts";
import { listOf, textOf } from "./resource.ts";
import { readResource } from "./resource-text.ts";
import { type SearchFields, searchFieldsOf } from "./search-fields.ts";

/** A resource that fits its patient and falls into categories. */
export interface TakenResource {
  /** With internal ids, and without what the exchange itself says of a version. */
  readonly resource: FhirResource;
  /** What consents have to cover, all of it. */
  readonly keys: readonly string[];
  readonly fields: SearchFields;
}

export type Taking = { readonly taken: TakenResource } | { readonly violations: readonly ItemViolation[] };

export interface TakingDeps {
  readonly pairwise: Pairwise;
  readonly terminology: Pick<Terminology, "classify">;
}

/** Elements that say whose record it is, in the types that have them. */
const ofPatient = ["subject", "patient", "beneficiary"] as const;

/** Judges a resource as it was sent. `party`: whose ids its references hold. `patient`: internal id. */
export function takeResource(
  { pairwise, terminology }: TakingDeps,
  text: string,
  party: string,
  patient: string,
): Taking {
  const read = readResource(text);
  if ("violations" in read) return read;
  const { resource } = read;
  const own = pairwise.outward(party, patient);
  const stranger = aboutAnother(resource, own);
  if (stranger !== undefined) return { violations: [stranger] };
  const classes = terminology.classify(recordContentOf(resource));
  if ("outside" in classes) return { violations: [withoutCategory(resource, classes.outside)] };
  const inward = withReferences(plain(resource), (one) => inwardReference(pairwise, party, one));
  return { taken: { resource: inward, keys: classes.keys, fields: searchFieldsOf(inward) } };
}

/** Why it is not this patient's; undefined where it is. */
function aboutAnother(resource: FhirResource, own: string): ItemViolation | undefined {
  for (const element of ofPatient) {
    for (const subject of listOf(resource[element])) {
      const reference = isObject(subject) ? textOf(subject, "reference") : undefined;
      if (reference !== undefined && patientOf(reference) === own) continue;
      return {
        field: `${resource.resourceType}.${element}`,
        description:
          "must refer to the patient of the request: Patient/ and your own id for them, with a hyphen",
        reason: "OTHER_PATIENT",
      };
    }
  }
  const another = referencesIn(resource).some((one) => (patientOf(one) ?? own) !== own);
  if (!another) return undefined;
  return {
    field: resource.resourceType,
    description: "refers to a patient of this exchange who is not the request's",
    reason: "OTHER_PATIENT",
  };
}

function withoutCategory({ resourceType }: FhirResource, outside: string): ItemViolation {
  const what =
    outside === "Observation"
      ? "no code of the exchange and no category of HL7's that belongs to one of its categories"
      : `the type ${/^[A-Za-z]{1,64}$/.test(outside) ? outside : "of a contained resource"}, which belongs to no category`;
  return {
    field: resourceType,
    description: `has ${what}: no consent can cover it, so it is not stored; docs/codes.md lists what can be`,
    reason: "NO_CATEGORY",
  };
}

/** Without `id`, `meta.versionId` and `meta.lastUpdated`, which are the exchange's to say. */
function plain(resource: FhirResource): FhirResource {
  const members = Object.entries(resource).flatMap(([member, value]) => {
    if (member === "id") return [];
    if (member !== "meta" || !isObject(value)) return [[member, value] as const];
    const { versionId: _version, lastUpdated: _updated, ...kept } = value;
    return Object.keys(kept).length === 0 ? [] : [[member, kept as FhirObject] as const];
  });
  return Object.fromEntries(members) as unknown as FhirResource;
}
