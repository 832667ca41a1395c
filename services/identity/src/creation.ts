import { createHash } from "node:crypto";
import type { Change, Commit, CommitResult, Document, Store } from "@wellapi/store";
import { createTextMac } from "@wellapi/vault";
import { REQUEST_INDEX } from "./collections.ts";
import { damaged, requestIdReused } from "./errors.ts";

/** Commits with the leaf of the call. */
export type CommitWithLeaf = (commit: Commit) => Promise<CommitResult>;

/** Identifies the request that creates something. */
export interface Creation {
  /** Id of the calling principal, or of what the creation follows from. */
  readonly creator: string;
  /** Opaque: a caller's own request id may name a person, so it is kept as a MAC only. */
  readonly requestId: string;
}

/** The creation that a request identifies. */
export type CreationOf = (creator: string, requestId: string) => Creation;

/** `key` is 32 bytes that only this installation has. */
export function createCreationOf(key: Uint8Array): CreationOf {
  const macOf = createTextMac(key);
  return (creator, requestId) => ({ creator, requestId: macOf(JSON.stringify([creator, requestId])) });
}

export type CreatedDocument = Document & Creation;

/** SHA-256 of content that identifies nobody, to compare a repeated request with. */
export function contentDigest(...content: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** The document that the request created before. */
export async function findCreated<D extends CreatedDocument>(
  store: Store,
  collection: string,
  { creator, requestId }: Creation,
): Promise<D | undefined> {
  const scan = { index: REQUEST_INDEX, equals: [creator, requestId], limit: 1 };
  return (await store.scan<D>(collection, scan)).documents[0]?.document;
}

/**
 * Inserts the document, or returns the one that the same request created. Throws `request_id_reused`, and the errors
 * of `also`: what is committed with it, such as a guard on another document, which is read again where it changed meanwhile.
 */
export async function insertOnce<D extends CreatedDocument>(
  store: Store,
  collection: string,
  document: D,
  same: (existing: D) => boolean | Promise<boolean>,
  commit: CommitWithLeaf,
  also?: () => Promise<readonly Change[]>,
): Promise<D> {
  const { partition } = document;
  let result: CommitResult;
  do {
    const others = also === undefined ? [] : await also();
    result = await commit({ partition, changes: [{ kind: "insert", collection, document }, ...others] });
    if (result.committed) return document;
  } while (result.reason === "conflict");
  const existing = await findCreated<D>(store, collection, document);
  if (!existing) throw damaged(`an insert into ${collection} was refused: ${result.index}`);
  if (!(await same(existing))) throw requestIdReused();
  return existing;
}
