import { isResourceType } from "../definitions.ts";

/** Where a reference points, as far as its text tells (FHIR R4, 2.3.0). */
export type ReferenceTarget =
  | { readonly kind: "contained"; readonly id: string }
  /** `Patient/23`, or a server's URL that ends so. */
  | { readonly kind: "resource"; readonly type: string; readonly id: string; readonly absolute: boolean }
  /** `Patient?identifier=…`: a transaction looks it up. */
  | { readonly kind: "search"; readonly type: string }
  /** `urn:uuid:…` and every other absolute URI. */
  | { readonly kind: "other" };

const onServer = /(?:^|\/)([A-Z][A-Za-z]*)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;
const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/;

/** Resources of R4 that nothing here reads (scripts/fhir/types.ts says why): others may point to them. */
const elsewhere = new Set(["ResearchStudy", "EvidenceVariable"]);

/** Undefined where the text is no reference: neither a fragment, nor a resource on this server, nor an absolute URI. */
export function targetOf(reference: string): ReferenceTarget | undefined {
  if (reference.startsWith("#")) return { kind: "contained", id: reference.slice(1) };
  const isAbsolute = absolute.test(reference);
  const place = !isAbsolute || /^https?:/.test(reference) ? onServer.exec(reference) : null;
  if (place && isTarget(place[1]!) && (isAbsolute || (place.index === 0 && !reference.startsWith("/")))) {
    return { kind: "resource", type: place[1]!, id: place[2]!, absolute: isAbsolute };
  }
  if (isAbsolute) return { kind: "other" };
  const search = /^([A-Z][A-Za-z]*)\?\S+$/.exec(reference);
  return search && isTarget(search[1]!) ? { kind: "search", type: search[1]! } : undefined;
}

function isTarget(type: string): boolean {
  return isResourceType(type) || elsewhere.has(type);
}
