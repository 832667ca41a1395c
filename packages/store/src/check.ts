import type { CollectionDeclaration, Document, Store } from "./port.ts";

/** Something that is stored and is not what was written. Opaque ids, times and counts alone: never what a document says. */
export interface Finding {
  readonly collection?: string;
  /** Key of the document, the partition first. */
  readonly document?: readonly string[];
  readonly what: string;
  /** What is lost by it, and for whom. */
  readonly means: string;
  /** What can be done. */
  readonly remedy: string;
}

/** Looks into a document that decodes and agrees with its index fields; undefined where it is whole. */
export type DocumentCheck = (document: Document) => Promise<Finding | undefined>;

/** How a service looks at its own store. */
export interface StoreCheck {
  readonly collections: readonly CollectionDeclaration[];
  /** By collection; those without say nothing that is sealed or leads elsewhere. */
  readonly documents: Readonly<Record<string, DocumentCheck>>;
  /** What documents are together, after each was looked at. */
  readonly together?: () => AsyncGenerator<Finding>;
}

/** Reads alone. */
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
