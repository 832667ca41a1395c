import type { Clock, Ids } from "@wellapi/runtime";
import { type Consent, mostConsents, noConsents, type Terms, withCreated } from "./consent.ts";
import type { Author, ConsentRepository, Origin } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import type { LeafOf } from "./revocation.ts";

export interface GrantingOptions {
  readonly consents: ConsentRepository;
  readonly clock: Clock;
  readonly ids: Ids;
}

const attempts = 20;

/** Gives consent. Nothing has to be recalled: denials are never cached. */
export class Granting {
  readonly #options: GrantingOptions;

  constructor(options: GrantingOptions) {
    this.#options = options;
  }

  /** The consent that this request made before, if it did. Throws `request_id_reused`. */
  async repeated(partition: string, origin: Origin): Promise<Consent | undefined> {
    const earlier = await this.#options.consents.findByRequest(partition, origin.requestId);
    if (earlier && earlier.requestDigest !== origin.requestDigest)
      throw new ConsentError("request_id_reused");
    return earlier?.consent;
  }

  /** Throws `patient_erased`, `too_many_consents`, `request_id_reused`, `unavailable`. */
  async create(
    partition: string,
    terms: Terms,
    origin: Origin,
    author: Author,
    leafOf: LeafOf,
  ): Promise<{ consent: Consent; changed: boolean }> {
    const { consents, clock, ids } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const repeated = await this.repeated(partition, origin);
      if (repeated) return { consent: repeated, changed: false };
      const before = await consents.stored(partition);
      const current = before?.document.current ?? noConsents;
      if (current.closed) throw new ConsentError("patient_erased");
      if (current.consents.length >= mostConsents) throw new ConsentError("too_many_consents");
      const now = clock.now();
      const consent: Consent = { id: ids.next("con"), terms, version: 1, createTime: now };
      const leaf = leafOf([consent]);
      const result = await consents.commit({
        partition,
        before,
        after: withCreated(current, consent),
        created: { consent, origin },
        revoked: [],
        revisions: [{ consent, replacedEtag: "", author, time: now, access: leaf.id }],
        leaf: leaf.change,
      });
      if (result.committed) return { consent, changed: true };
    }
    throw new ConsentError("unavailable");
  }
}
