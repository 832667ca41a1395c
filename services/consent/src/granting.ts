import { type Fact, type Follower, JournalError } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import {
  type Author,
  type Consent,
  denies,
  isFrozen,
  lackOfRoom,
  noConsents,
  scopeOfGrant,
  type Terms,
  withCreated,
} from "./consent.ts";
import type { Origin } from "./consent-documents.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import type { RecalledChanges } from "./recalled-changes.ts";
import type { LeafOf } from "./revocation.ts";

export interface GrantingOptions {
  readonly consents: ConsentRepository;
  readonly changes: RecalledChanges;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
}

const attempts = 20;

/**
 * Grants consent: commit, recall, and only then an answer. The recall is needed although denials are never cached:
 * permits of other consents are cached, and without it they would go on to be all that is permitted.
 */
export class Granting {
  readonly #options: GrantingOptions;

  constructor(options: GrantingOptions) {
    this.#options = options;
  }

  /**
   * The consent that an earlier attempt of this request created, recalled once more: the earlier attempt may have
   * ended between commit and recall. Throws `request_id_reused`, `unavailable`.
   */
  async repeated(partition: string, origin: Origin): Promise<Consent | undefined> {
    const { consents, changes } = this.#options;
    const earlier = await consents.findByRequest(partition, origin.requestId);
    if (earlier === undefined) return undefined;
    if (earlier.requestDigest !== origin.requestDigest) throw new ConsentError("request_id_reused");
    await changes.again(partition, scopeOfGrant(earlier.consent.terms));
    return earlier.consent;
  }

  /**
   * Once it resolves, every later decision includes the consent, on any enforcer. Throws `patient_erased`,
   * `too_many_consents`, `request_id_reused`, `unavailable` (then send the request again, with the same request id).
   */
  async create(
    partition: string,
    terms: Terms,
    origin: Origin,
    author: Author,
    leafOf: LeafOf,
  ): Promise<{ consent: Consent; changed: boolean }> {
    const { consents, changes, journal, clock, ids } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const repeated = await this.repeated(partition, origin);
      if (repeated) return { consent: repeated, changed: false };
      const before = await consents.stored(partition);
      const current = before?.document.current ?? noConsents;
      if (current.closed) throw new ConsentError("patient_erased");
      if (isFrozen(current)) throw new ConsentError("record_frozen");
      const lack = lackOfRoom(current, terms);
      if (lack) throw new ConsentError("too_many_consents", { message: `${lack}: revoke some first` });
      const now = clock.now();
      const consent: Consent = { id: ids.next("con"), terms, version: 1, grantor: author, createTime: now };
      const leaf = leafOf([consent]);
      const created = await changes.run(partition, scopeOfGrant(terms), async (recall) => {
        const result = await consents.commit({
          partition,
          before,
          after: withCreated(current, consent),
          created: { consent, origin },
          revoked: [],
          revisions: [{ consent, replacedEtag: "", author, time: now, access: leaf.id }],
          recall,
          leaf: leaf.change,
          owed: denies(terms) ? [journal.owed(this.#factOf(partition, consent))] : [],
        });
        return result.committed ? consent : undefined;
      });
      if (created) return { consent: created, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Resolves once a restore cannot undo what the consent denies; at once where it denies nothing. Throws
   * `journal_unavailable`: the denial holds, and the journal gets it as soon as possible.
   */
  async writeDown(partition: string, consent: Consent): Promise<void> {
    if (!denies(consent.terms)) return;
    try {
      await this.#options.journal.tell(this.#factOf(partition, consent));
    } catch (cause) {
      if (!(cause instanceof JournalError)) throw cause;
      const message =
        "the consent is given and what it denies is denied; that this outlives a restore is not certain yet: send the same again";
      throw new ConsentError("journal_unavailable", { cause, message });
    }
  }

  /** The journal knows the organization by its tag, as the store does. */
  #factOf(partition: string, { id, terms, createTime }: Consent): Fact {
    const subject = `${id}@${this.#options.consents.tagOf(terms.grantee)}`;
    return { kind: "consent_denies", partition, subject, time: createTime };
  }
}
