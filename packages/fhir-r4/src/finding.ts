/** HL7's IssueType (FHIR R4, http://hl7.org/fhir/issue-type): what kind of thing is wrong. */
export type IssueType =
  | ("invalid" | "structure" | "required" | "value" | "invariant")
  | ("security" | "login" | "unknown" | "expired" | "forbidden" | "suppressed")
  | ("processing" | "not-supported" | "duplicate" | "multiple-matches" | "not-found" | "deleted" | "too-long")
  | ("code-invalid" | "extension" | "too-costly" | "business-rule" | "conflict")
  | ("transient" | "lock-error" | "no-store" | "exception" | "timeout" | "incomplete" | "throttled")
  | "informational";

/**
 * What is wrong with a text or a resource. It names elements and rules, and never a value: it can be answered to the sender,
 * and must not be logged where the names of properties that were sent may not be.
 */
export interface Finding {
  readonly severity: "fatal" | "error" | "warning" | "information";
  readonly code: IssueType;
  readonly text: string;
  /** Where, as a simple FHIRPath: `Observation.component[1].value`. */
  readonly expression?: string;
  /** Where in the text, from 1; known for what the syntax tells. */
  readonly line?: number;
  readonly column?: number;
}

/** A place in a resource, as a chain: rendered only where something is wrong there. */
export interface Place {
  readonly parent: Place | undefined;
  readonly name: string;
  /** From 0; undefined where the element does not repeat. */
  readonly index: number | undefined;
}

/** `Observation.component[1].value`. */
export function expressionOf(place: Place): string {
  const own = place.index === undefined ? place.name : `${place.name}[${place.index}]`;
  return place.parent ? `${expressionOf(place.parent)}.${own}` : own;
}

/** A name as it was sent, where it has the form of a name: the rest could be anything. */
export function shownName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) ? `'${name}'` : "of another form than names have";
}
