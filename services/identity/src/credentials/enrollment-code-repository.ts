import type { Clock, Logger } from "@wellapi/runtime";
import type { Change, Document, Store } from "@wellapi/store";
import { collections, INSTALLATION } from "../collections.ts";
import { openSweep } from "../sweep.ts";
import { DAY } from "./credential.ts";
import type { EnrollmentCode } from "./enrollment-code.ts";

type CodeDocument = Document & EnrollmentCode;

/** Enrolment codes, by digest. */
export interface EnrollmentCodeRepository {
  /** Belongs to the commit that makes it. */
  insertion(code: EnrollmentCode): Change;
  /** With the change that stores it as `used`, unless something else used it meanwhile. */
  find(
    fingerprint: string,
  ): Promise<{ readonly code: EnrollmentCode; readonly use: (used: EnrollmentCode) => Change } | undefined>;
  close(): Promise<void>;
}

/** Deletes codes a week after they ended, until it is closed: so long a used one says so. */
export async function openEnrollmentCodeRepository(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<EnrollmentCodeRepository> {
  const collection = collections.enrollmentCodes;
  const sweeping = await openSweep({ ...options, collection, keptMs: 7 * DAY });
  const toDocument = (code: EnrollmentCode): CodeDocument => ({ ...code, partition: INSTALLATION });
  return {
    insertion: (code) => ({ kind: "insert", collection, document: toDocument(code) }),
    async find(fingerprint) {
      const scan = { index: "fingerprint", equals: [INSTALLATION, fingerprint], limit: 1 };
      const found = (await options.store.scan<CodeDocument>(collection, scan)).documents[0];
      if (found === undefined) return undefined;
      const { partition: _, ...code } = found.document;
      const use = (used: EnrollmentCode): Change => {
        return { kind: "replace", collection, document: toDocument(used), ifRevision: found.revision };
      };
      return { code, use };
    },
    close: () => sweeping.close(),
  };
}
