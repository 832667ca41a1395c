import type { ItemViolation } from "../write/judgement.ts";
import type { Token } from "./search-fields.ts";

/** One change as it was sent, with internal ids. */
export type SentWrite =
  | {
      readonly kind: "create";
      readonly resource: string;
      readonly ifNoneExist?: Token | undefined;
      readonly fullUrl: string;
    }
  | {
      readonly kind: "update";
      /** Undefined for a malformed id. */
      readonly record: string | undefined;
      readonly resource: string;
      /** Empty: whatever the record has. */
      readonly etag: string;
      readonly fullUrl: string;
    }
  | { readonly kind: "delete"; readonly record: string | undefined; readonly etag: string };

/** An item; its own fields may be wrong. */
export interface SentItem {
  readonly write: SentWrite;
  readonly violations: readonly ItemViolation[];
}

export interface SentBatch {
  /** Empty where the sender named none: then it has no receipt. */
  readonly requestId: string;
  /** The patient's id as the sender knows it. */
  readonly patient: string;
  readonly atomic: boolean;
  readonly items: readonly SentItem[];
  /** What is compared when the request id is used again. */
  readonly digest: Uint8Array;
}

/** What became of an item. */
export type ClinicalOutcome =
  | {
      readonly status: "created" | "updated" | "unchanged" | "deleted" | "existed" | "duplicate";
      /** Internal id. */
      readonly record: string;
      readonly version: number;
      /** UTC milliseconds. */
      readonly updated: number;
    }
  | { readonly status: "rejected"; readonly violations: readonly ItemViolation[] };

/** Names a version of a record to its readers. */
export function etagOf(version: number): string {
  return String(version);
}

export function rejected(field: string, description: string, reason: string): ClinicalOutcome {
  return { status: "rejected", violations: [{ field, description, reason }] };
}
