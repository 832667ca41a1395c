import { type Fact, type Follower, JournalError } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change, OutboxEvent } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import {
  type Author,
  type Consent,
  type CurrentConsents,
  denies,
  isFrozen,
  lackOfRoom,
  noConsents,
  scopeOfGrant,
  type Terms,
  withAmended,
  withCreated,
} from "./consent.ts";
import type { Origin } from "./consent-documents.ts";
import type { ConsentRepository, StoredCurrent } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import { etagOf } from "./etag.ts";
import type { RecalledChanges } from "./recalled-changes.ts";
import type { LeafOf } from "./revocation.ts";

export interface GrantingOptions {
  readonly consents: ConsentRepository;
  readonly changes: RecalledChanges;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A consent to be given, and what is committed with it. */
export interface Gift {
  readonly consent: Consent;
  /** Of a new consent: how it was asked for. */
  readonly origin?: Origin;
  /** Of a consent with other terms: the version before, and whether something is taken away. */
  readonly replaced?: Consent;
  readonly narrows?: boolean;
  /** Facts that the journal must get. */
  readonly owed?: readonly Fact[];
  readonly also?: (key: PatientKey) => readonly Change[];
  readonly events?: readonly OutboxEvent[];
}

interface Giving {
  readonly partition: string;
  readonly before: StoredCurrent | undefined;
  readonly after: CurrentConsents;
  readonly gift: Gift;
  readonly author: Author;
  readonly leafOf: LeafOf;
  readonly now: number;
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
    return this.give(partition, author, leafOf, async (_current, now) => {
      const repeated = await this.repeated(partition, origin);
      if (repeated) return { repeated };
      return { consent: this.newConsent(terms, author, now), origin };
    });
  }

  newConsent(terms: Terms, grantor: Author, createTime: number): Consent {
    return { id: this.#options.ids.next("con"), terms, version: 1, grantor, createTime };
  }

  /**
   * The one way in which a consent comes to be, or to other terms: commit, recall, answer. `decide` is asked anew where another
   * writer was faster. Throws what it throws, and as `create`.
   */
  async give(
    partition: string,
    author: Author,
    leafOf: LeafOf,
    decide: (current: CurrentConsents, now: number) => Promise<Gift | { readonly repeated: Consent }>,
  ): Promise<{ consent: Consent; changed: boolean }> {
    const { consents, clock } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await consents.stored(partition);
      const current = before?.document.current ?? noConsents;
      const now = clock.now();
      const gift = await decide(current, now);
      if ("repeated" in gift) return { consent: gift.repeated, changed: false };
      const after = gift.replaced ? withAmended(current, gift.consent) : withCreated(current, gift.consent);
      checkRoom(current, gift.consent);
      const given = await this.#commit({ partition, before, after, gift, author, leafOf, now });
      if (given) return { consent: given, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /** Undefined where another writer was faster. */
  async #commit(giving: Giving): Promise<Consent | undefined> {
    const { consents, changes, journal } = this.#options;
    const { partition, before, after, gift, author, leafOf, now } = giving;
    const { consent, origin, replaced, narrows = false, owed = [], also, events = [] } = gift;
    const leaf = leafOf([consent]);
    const scope = { ...scopeOfGrant(consent.terms), ...(narrows && { onlyWidens: false }) };
    return changes.run(partition, scope, async (recall) => {
      const result = await consents.commit({
        partition,
        before,
        after,
        ...(origin && { created: { consent, origin } }),
        changed: replaced ? [consent] : [],
        revisions: [
          { consent, replacedEtag: replaced ? etagOf(replaced) : "", author, time: now, access: leaf.id },
        ],
        recall,
        leaf: leaf.change,
        owed: [
          ...(denies(consent.terms) ? [journal.owed(this.#factOf(partition, consent))] : []),
          ...owed.map((fact) => journal.owed(fact)),
        ],
        events,
        opens: true,
        ...(also && { also }),
      });
      return result.committed ? consent : undefined;
    });
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

/** Whether a consent may come to be, or to other terms. Throws `patient_erased`, `record_frozen`, `too_many_consents`. */
export function checkRoom(current: CurrentConsents, { id, terms }: Consent): void {
  if (current.closed) throw new ConsentError("patient_erased");
  if (isFrozen(current)) throw new ConsentError("record_frozen");
  const others = current.consents.filter((one) => one.id !== id);
  const lack = lackOfRoom({ ...current, consents: others }, terms);
  if (lack) throw new ConsentError("too_many_consents", { message: `${lack}: revoke some first` });
}
