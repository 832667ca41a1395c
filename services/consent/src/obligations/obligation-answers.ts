import type { Clock } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import { type Author, stateOf as consentStateOf, type Terms } from "../consent.ts";
import type { ConsentRepository, Notified } from "../consent-repository.ts";
import { ConsentError } from "../errors.ts";
import { digest } from "../etag.ts";
import { obligationChanged } from "../event-convert.ts";
import type { LeafOf } from "../revocation.ts";
import { type Answer, type DeletionObligation, mostAnswers, type Said, stateOf } from "./obligation.ts";
import type { KeptObligation, ObligationRepository } from "./obligation-repository.ts";

const attempts = 20;

/** Names one version of an obligation by its content. Opaque to callers. */
export function obligationEtag(obligation: DeletionObligation): string {
  return digest(obligation).slice(0, 24);
}

/** An answer as it is sent. */
export interface Sent {
  readonly said: Said;
  /** Empty: whichever version there is. */
  readonly etag: string;
  readonly requestId: string;
}

export interface ObligationAnswers {
  /**
   * Answers; the same again changes nothing. Throws `stale_etag`, `request_id_reused`, `obligation_answered`, `no_other_consent`,
   * `unavailable`.
   */
  answer(
    found: KeptObligation,
    sent: Sent,
    by: Author,
    leafOf: LeafOf,
  ): Promise<{ readonly kept: KeptObligation; readonly changed: boolean }>;
}

export function createObligationAnswers(deps: {
  readonly obligations: ObligationRepository;
  readonly consents: Pick<ConsentRepository, "current" | "get">;
  readonly relay?: Notified | undefined;
  readonly clock: Pick<Clock, "now">;
  readonly times: Pick<OrganizationTimes, "now">;
}): ObligationAnswers {
  const { obligations, consents, relay, clock, times } = deps;

  /** Throws `no_other_consent`. */
  async function checkReason({ partition, obligation }: KeptObligation, said: Said): Promise<void> {
    if (said.kind !== "kept" || said.reason !== "other_consent") return;
    const now = times.now(obligation.organization);
    const current = await consents.current(partition);
    const other = current.consents.some(
      (one) =>
        one.terms.grantee === obligation.organization &&
        consentStateOf(one, now) === "active" &&
        permitsReading(one.terms),
    );
    if (!other) throw new ConsentError("no_other_consent");
  }

  return {
    async answer({ partition, obligation: { id } }, { said, etag, requestId }, by, leafOf) {
      const requestDigest = digest(said);
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const stored = await obligations.get(partition, id);
        if (stored === undefined) throw new ConsentError("obligation_not_found");
        const { obligation } = stored;
        if (isRepeated(obligation, requestId, requestDigest)) return { kept: stored, changed: false };
        checkOpen(obligation, said, etag, times.now(obligation.organization));
        await checkReason(stored, said);
        const consent = await consents.get(partition, obligation.consent);
        const leaf = leafOf(consent === undefined ? [] : [consent]);
        const time = times.now(obligation.organization);
        const answer: Answer = { ...said, time, by, access: leaf.id, requestId, requestDigest };
        const answered = { ...obligation, answers: [...obligation.answers, answer] };
        const kept = { partition, obligation: answered };
        const event = obligationChanged(partition, id, "answered", clock.now(), answered.answers.length);
        const done = await obligations.commit(kept, stored, [leaf.change], [event]);
        if (done === undefined) throw new ConsentError("obligation_not_found");
        if (!done) continue;
        relay?.notify();
        return { kept, changed: true };
      }
      throw new ConsentError("unavailable");
    },
  };
}

/** Throws `request_id_reused`. */
function isRepeated({ answers }: DeletionObligation, requestId: string, requestDigest: string): boolean {
  const repeated = answers.find((one) => one.requestId === requestId);
  if (repeated === undefined || repeated.requestDigest === requestDigest) return repeated !== undefined;
  const message = "this request_id gave another answer: choose a new one";
  throw new ConsentError("request_id_reused", { message });
}

/** Throws `stale_etag`, `obligation_answered`. */
function checkOpen(obligation: DeletionObligation, said: Said, etag: string, now: number): void {
  if (stateOf(obligation, now) === "deleted") throw new ConsentError("obligation_answered");
  if (said.kind === "kept" && obligation.answers.length >= mostAnswers) {
    const message = `it was answered ${mostAnswers} times that the data is kept: what can follow is that it is deleted`;
    throw new ConsentError("obligation_answered", { message });
  }
  if (etag !== "" && etag !== obligationEtag(obligation)) {
    const message = "the obligation has changed since: get it again, then answer with its etag";
    throw new ConsentError("stale_etag", { message });
  }
}

function permitsReading({ provisions }: Terms): boolean {
  return provisions.some(({ effect, directions }) => effect === "permit" && directions.includes("read"));
}
