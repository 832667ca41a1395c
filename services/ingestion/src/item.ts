import type { Violation } from "./violation.ts";

/** A concept as it was sent. An empty system means LOINC. */
export interface Coding {
  readonly system: string;
  readonly code: string;
}

/** When an item begins, as it was sent. */
export type Start =
  | {
      readonly kind: "instant";
      /** UTC milliseconds, rounded down. */
      readonly ms: number;
      /** Whether it lies on a whole millisecond. */
      readonly whole: boolean;
    }
  /** Local date and time; the batch names the zone. */
  | { readonly kind: "local"; readonly text: string };

/** A column of exact decimals as it was sent: the one that is not empty counts. */
export interface Decimals {
  readonly mantissas: readonly number[];
  readonly wideMantissas: readonly bigint[];
}

export interface Device {
  readonly identifier: string;
  readonly model: string;
}

export type SeriesValues =
  | ({ readonly kind: "quantity" } & Decimals)
  | { readonly kind: "coded"; readonly dictionary: readonly Coding[]; readonly indexes: readonly number[] }
  | {
      readonly kind: "components";
      readonly components: ReadonlyArray<{
        readonly coding: Coding;
        readonly unit: string;
        readonly decimals: Decimals;
      }>;
    };

export interface SeriesItem {
  readonly code: Coding;
  readonly unit: string;
  readonly device: Device | undefined;
  readonly start: Start;
  readonly offsetMinutes: number;
  readonly spacing:
    | { readonly kind: "period"; readonly ms: number }
    | { readonly kind: "gaps"; readonly ms: readonly number[] };
  readonly values: SeriesValues;
}

export interface Quantity {
  /** Decimal text of the contract's pattern. */
  readonly value: string;
  readonly unit: string;
}

export type ObservationValue =
  | { readonly kind: "quantity"; readonly quantity: Quantity }
  | { readonly kind: "coded"; readonly coding: Coding }
  | {
      readonly kind: "components";
      readonly components: ReadonlyArray<{ readonly coding: Coding; readonly quantity: Quantity }>;
    };

export interface ObservationItem {
  readonly code: Coding;
  readonly device: Device | undefined;
  readonly start: Start;
  readonly offsetMinutes: number;
  readonly value: ObservationValue;
}

/** What an item is checked against. */
export interface CheckContext {
  /** Path of the item, e.g. `series[2]`. */
  readonly field: string;
  /** UTC milliseconds. */
  readonly now: number;
  /** The batch's IANA time zone; empty where it names none. */
  readonly timeZone: string;
}

/** The UTC time of an item that was sent with a local one. */
export interface ResolvedTime {
  readonly ms: number;
  readonly offsetMinutes: number;
}

/** What was found of an item: it is stored if nothing is wrong. */
export interface Findings {
  readonly violations: readonly Violation[];
  /** For items with a local time. */
  readonly resolved: ResolvedTime | undefined;
}
