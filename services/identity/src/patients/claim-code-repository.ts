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
  /** Stores what `use` makes of it; nothing where that is the same object. Throws `credential_invalid`. */
  use(text: string, use: (code: ClaimCode) => ClaimCode, commit: CommitWithLeaf): Promise<void>;
}

export function createClaimCodeRepository(store: Store): ClaimCodeRepository {
  const collection = collections.claimCodes;

  async function stored(text: string) {
    const scan = { index: "fingerprint", equals: [digestOf(text)], limit: 1 };
    const found = (await store.scan<ClaimDocument>(collection, scan)).documents[0];
    if (found === undefined) throw claimInvalid();
    return found;
  }

  return {
    insertion: (code) => ({ kind: "insert", collection, document: { ...code } }),
    async withCode(text) {
      return (await stored(text)).document;
    },
    async use(text, use, commit) {
      for (;;) {
        const { document, revision } = await stored(text);
        const used = use(document);
        if (used === document) return;
        const change: Change = {
          kind: "replace",
          collection,
          document: { ...used },
          ifRevision: revision,
        };
        if ((await commit({ partition: document.partition, changes: [change] })).committed) return;
      }
    },
  };
}
