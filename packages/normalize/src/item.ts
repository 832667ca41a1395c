import type { Concept } from "./point.ts";

export interface Problem {
  /** A path of the document. */
  readonly field: string;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  /** What is wrong, and how to mend it. It repeats no value. */
  readonly description: string;
}

/** Where a measurement went. */
export interface Place {
  readonly kind: "series" | "observations";
  /** Position in the list of that kind. */
  readonly index: number;
}

/** One measurement of the document: it has a place, or a problem. */
export type Item =
  | { readonly path: string; readonly code: Concept; readonly place: Place }
  | { readonly path: string; readonly problem: Problem };

/** A field that was not taken. */
export interface Note {
  readonly kind: "not_taken" | "unknown";
  /** With `[]` for every position. */
  readonly path: string;
  readonly count: number;
  /** Empty where it is unknown. */
  readonly reason: string;
}
