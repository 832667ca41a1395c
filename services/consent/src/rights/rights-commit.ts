import type { Change, OutboxEvent } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import type { CurrentConsents, Dispute, PinnedCategory } from "../consent.ts";
import type { Notified } from "../consent-repository.ts";
import { hasRoomForDispute, scopeOfDispute, withDispute, withoutDispute } from "../disputes.ts";
import { ConsentError } from "../errors.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { StandingChanges } from "../standing/standing-changes.ts";
import type { RightsRepository } from "./rights-repository.ts";
import { isUndecided, type RightsRequest } from "./rights-request.ts";

/** A change of a request that denies nothing. */
export interface RightsChange {
  readonly partition: string;
  /** As it is afterwards. */
  readonly request: RightsRequest;
  /** Of a new one: what it is about. */
  readonly categories?: readonly PinnedCategory[];
  /** In the turn in which the key was got: it may be dropped from memory. */
  readonly documents: (key: PatientKey) => readonly Change[];
  readonly leaf: Change;
  readonly event: OutboxEvent;
}

/** Stores changes of requests, together with the mark of the data that they dispute. */
export interface RightsCommits {
  /**
   * Once it resolves with true, every later decision says whether what the request is about is disputed. False: another writer was
   * faster. Undefined: the patient's key was destroyed. Throws `rights_limited`, `patient_erased`, `unavailable`.
   */
  make(change: RightsChange): Promise<boolean | undefined>;
  /** For a repeated call: the attempt before may have ended between commit and recall. Throws `unavailable`. */
  again(partition: string, request: RightsRequest): Promise<void>;
}

export function createRightsCommits({
  rights,
  standing,
  changes,
  relay,
}: {
  readonly rights: Pick<RightsRepository, "commit">;
  readonly standing: StandingChanges;
  readonly changes: Pick<RecalledChanges, "again">;
  readonly relay: Notified | undefined;
}): RightsCommits {
  return {
    async make({ partition, request, categories = [], documents, leaf, event }) {
      const events = [event];
      const before = await standing.before(partition);
      const after = marked(before.current, request, categories);
      if (after !== before.current) {
        // It is no more urgent than another request, so a full disk takes it not.
        return standing.make(before, {
          scope: scopeOfDispute,
          after,
          leaf,
          also: documents,
          events,
          opens: true,
        });
      }
      const done = await rights.commit(partition, (key) => [...documents(key), leaf], events);
      if (done) relay?.notify();
      return done;
    },
    async again(partition, { right }) {
      if (right.kind === "rectification") await changes.again(partition, scopeOfDispute);
    },
  };
}

/** The same object where the change of the request changes no mark. Throws `rights_limited`. */
function marked(
  current: CurrentConsents,
  request: RightsRequest,
  [category]: readonly PinnedCategory[],
): CurrentConsents {
  const { id, organization, right } = request;
  if (right.kind !== "rectification") return current;
  if (!isUndecided(request)) return withoutDispute(current, id);
  // It is marked from its beginning: by an extension nothing changes. Of a record that is erased meanwhile nothing is left to mark.
  if (category === undefined || current.closed) return current;
  if (!hasRoomForDispute(current)) {
    const message = "100 requests to correct data wait for an answer: withdraw one, or wait";
    throw new ConsentError("rights_limited", { message });
  }
  const { captured, device, record } = right.disputed;
  const dispute: Dispute = {
    request: id,
    organization,
    category,
    captured,
    ...(device !== undefined && { device }),
    ...(record !== undefined && { record }),
  };
  return withDispute(current, dispute);
}
