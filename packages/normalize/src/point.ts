import type { CaptureMethod, Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Decimal } from "@wellapi/terminology";

export interface Quantity {
  /** LOINC. */
  readonly code: string;
  /** UCUM. */
  readonly unit: string;
  readonly decimal: Decimal;
}

/** A concept of a code system; without one it is LOINC's. */
export interface Concept {
  readonly system?: string;
  readonly code: string;
}

/** One measurement of a document, that becomes a sample of a series. */
export interface Point {
  /** Of its value, in the document. */
  readonly path: string;
  readonly value:
    | ({ readonly kind: "quantity" } & Quantity)
    | { readonly kind: "coded"; readonly of: Concept; readonly is: Concept }
    | { readonly kind: "panel"; readonly code: string; readonly parts: readonly Quantity[] };
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  /** 0 for an instant. */
  readonly durationMs: number;
  readonly granularity: Granularity;
  readonly method: CaptureMethod;
  readonly device?: { readonly identifier: string; readonly model: string } | undefined;
}

/** What the point is about: the code by which it is stored. */
export function conceptOf({ value }: Point): Concept {
  return value.kind === "coded" ? value.of : { code: value.code };
}
