import type { Change, Document, Store } from "@wellapi/store";
import { collections } from "../collections.ts";
import type { CommitWithLeaf } from "../creation.ts";
import { digestOf } from "../secret.ts";
import { type ClaimCode, claimInvalid } from "./claim-code.ts";

type ClaimDocument = Document & ClaimCode;

/** Codes by which patients are claimed, each in the patient's partition. */
export interface ClaimCodeRepository {
  /** Belongs to the commit that makes it. */
  insertion(code: ClaimCode): Change;
  /** Throws `credential_invalid`. */
  withCode(text: string): Promise<ClaimCode>;
  /** The code with this text, and the change that stores what became of it: refused as a conflict where it changed meanwhile. */
  find(
    text: string,
  ): Promise<{ readonly code: ClaimCode; readonly changed: (code: ClaimCode) => Change } | undefined>;
  /** Stores what `use` makes of it; nothing where that is the same object. Throws `credential_invalid`. */
  use(text: string, use: (code: ClaimCode) => ClaimCode, commit: CommitWithLeaf): Promise<void>;
}

export function createClaimCodeRepository(store: Store): ClaimCodeRepository {
  const collection = collections.claimCodes;

  async function find(text: string) {
    const scan = { index: "fingerprint", equals: [digestOf(text)], limit: 1 };
    const found = (await store.scan<ClaimDocument>(collection, scan)).documents[0];
    if (found === undefined) return undefined;
    const changed = (code: ClaimCode): Change => ({
      kind: "replace",
      collection,
      document: { ...code },
      ifRevision: found.revision,
    });
    return { code: found.document, changed };
  }

  async function known(text: string) {
    const found = await find(text);
    if (found === undefined) throw claimInvalid();
    return found;
  }

  return {
    insertion: (code) => ({ kind: "insert", collection, document: { ...code } }),
    find,
    async withCode(text) {
      return (await known(text)).code;
    },
    async use(text, use, commit) {
      for (;;) {
        const { code, changed } = await known(text);
        const used = use(code);
        if (used === code) return;
        if ((await commit({ partition: code.partition, changes: [changed(used)] })).committed) return;
      }
    },
  };
}
