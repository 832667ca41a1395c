/** A profile of a guide, as resources with one fault each. */

/** By what is wrong: the changed part, and where the profile says so. */
export type Faults = Readonly<Record<string, readonly [change: object, place: string]>>;

export interface GuideCase {
  readonly versions: readonly string[];
  /** As the profile asks, and valid by R4. */
  readonly right: { readonly resourceType: string; readonly [name: string]: unknown };
  /** Changes that the profile permits. */
  readonly permitted?: Readonly<Record<string, object>>;
  readonly faults: Faults;
}

/** HL7 recommends that there is one: HAPI's validator warns of it. */
export const text = {
  status: "generated",
  div: '<div xmlns="http://www.w3.org/1999/xhtml">A resource</div>',
};

/** An Observation without a value says why. */
export const absent = {
  dataAbsentReason: {
    coding: [{ system: "http://terminology.hl7.org/CodeSystem/data-absent-reason", code: "unknown" }],
  },
};
