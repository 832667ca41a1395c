import { randomUUID } from "node:crypto";
import {
  FhirError,
  type FhirResource,
  type FhirValue,
  type Finding,
  isObject,
  parseJson,
  parseResource,
} from "@wellapi/fhir-r4";
import type { Pairwise } from "@wellapi/vault";
import type { ItemViolation } from "../write/judgement.ts";
import { fhirId, type OurReference, outwardText, parseReference, withReferences } from "./references.ts";

/** Reads a text that was sent, and judges it by FHIR R4: at most 100 violations, without a value that was sent. */
export function readResource(
  text: string,
): { readonly resource: FhirResource } | { readonly violations: readonly ItemViolation[] } {
  try {
    return { resource: parseResource(text) };
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    return { violations: error.findings.filter(({ severity }) => severity === "error").map(violationOf) };
  }
}

/** A text that was stored. Throws SyntaxError where it is damaged. */
export function storedResource(text: string): FhirResource {
  try {
    return parseJson(text);
  } catch (cause) {
    if (cause instanceof FhirError) throw new SyntaxError("a stored resource does not parse", { cause });
    throw cause;
  }
}

/** JSON; decimals with the digits that were sent. */
export function resourceText(resource: FhirResource): string {
  return JSON.stringify(resource);
}

function violationOf({ text, expression, line, column }: Finding): ItemViolation {
  const place = line === undefined ? "" : ` (line ${line}, column ${column})`;
  return { field: expression ?? "resource", description: `${text}${place}`, reason: "INVALID_RESOURCE" };
}

/** What the exchange says of a version. */
export interface VersionStamp {
  readonly version: number;
  /** UTC milliseconds. */
  readonly updated: number;
}

/**
 * The JSON of one version, cut where an id of the exchange stands: each party gets its own ids without anything being walked or written
 * again.
 */
export interface ResourceOutline {
  /** What is between the ids: one more than there are ids. The first id is the record's own. */
  readonly texts: readonly string[];
  readonly references: readonly OurReference[];
}

/** Stands where an id will; nobody outside of the process knows it, so no content holds it. */
const hole = randomUUID();
const writtenHole = JSON.stringify(hole);

/** With what the exchange says of a version: `id`, `meta.versionId`, `meta.lastUpdated`. @param resource with internal ids */
export function outlineOf(resource: FhirResource, { version, updated }: VersionStamp): ResourceOutline {
  const references: OurReference[] = [];
  const content = withReferences(resource, (reference) => {
    const parsed = parseReference(reference);
    if (parsed === undefined) return reference;
    references.push(parsed);
    return hole;
  });
  const { resourceType, meta, ...others } = content;
  const said: FhirValue = { versionId: String(version), lastUpdated: new Date(updated).toISOString() };
  const whole = {
    resourceType,
    id: hole,
    meta: { ...said, ...(isObject(meta) ? meta : {}) },
    ...others,
  };
  return { texts: resourceText(whole).split(writtenHole), references };
}

/** The version's JSON as a party sees it, with the party's own id of the record. */
export interface OutwardResource {
  readonly id: string;
  readonly text: string;
}

/** Mostly one party reads a record again and again. What the last one saw stays with the outline, and goes with it when the patient's key does. */
const lastSeen = new WeakMap<ResourceOutline, OutwardResource & { readonly party: string }>();

/** @param record its internal id */
export function outwardResource(
  outline: ResourceOutline,
  pairwise: Pairwise,
  party: string,
  record: string,
): OutwardResource {
  const last = lastSeen.get(outline);
  if (last?.party === party) return last;
  const { texts, references } = outline;
  const id = pairwise.outward(party, record);
  let text = `${texts[0]}"${fhirId(id)}"`;
  for (const [at, reference] of references.entries())
    text += texts[at + 1] + JSON.stringify(outwardText(pairwise, party, reference));
  const seen = { party, id, text: text + texts.at(-1) };
  lastSeen.set(outline, seen);
  return seen;
}
