import type { CollectionDeclaration, Document, Store } from "./port.ts";

/**
 * One finding: a stored thing that differs from what was written. It holds opaque ids, times and counts only, never
 * what a document says.
 */
export interface Finding {
  readonly collection?: string;
  /** Key of the document, the partition first. */
  readonly document?: readonly string[];
  readonly what: string;
  /** What is lost, and for whom. */
  readonly means: string;
  /** What can be done. */
  readonly remedy: string;
}

/** Inspects a document that decodes and agrees with its index fields; undefined where it is whole. */
export type DocumentCheck = (document: Document) => Promise<Finding | undefined>;

/** How a service checks its own store. */
export interface StoreCheck {
  readonly collections: readonly CollectionDeclaration[];
  /** By collection. A collection without an entry holds nothing sealed and refers to nothing. */
  readonly documents: Readonly<Record<string, DocumentCheck>>;
  /** Checks documents against each other, after each was checked alone. */
  readonly together?: () => AsyncGenerator<Finding>;
}

/** Reads only. */
export type Reads = Pick<Store, "get" | "scan">;

/** The remedy of most damage. */
export const RESTORE =
  "restore a backup of before it, and let providers send again what came since (docs/operations.md, Damage)";

export function findingOf(
  collection: string,
  document: readonly (string | number)[],
  said: Pick<Finding, "what" | "means" | "remedy">,
): Finding {
  return { collection, document: document.map(String), ...said };
}
