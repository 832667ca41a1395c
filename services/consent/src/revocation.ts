import { type Entry, type Fact, type Follower, JournalError } from "@wellapi/journal";
import type { Clock } from "@wellapi/runtime";
import type { OutboxEvent, Change as StoreChange } from "@wellapi/store";
import type { PatientKey } from "@wellapi/vault";
import {
  type Author,
  type Consent,
  isHidden,
  noConsents,
  revoked,
  scopeOfEverybody,
  scopeOfRevocation,
  withClosed,
  withRevoked,
} from "./consent.ts";
import type { Revision } from "./consent-documents.ts";
import type { ConsentRepository } from "./consent-repository.ts";
import { withoutCode } from "./emergency/emergency-documents.ts";
import { ConsentError } from "./errors.ts";
import { etagOf } from "./etag.ts";
import type { PendingRecall } from "./pending-recall-repository.ts";
import type { RecalledChanges } from "./recalled-changes.ts";
import { amendedIn } from "./requests/amendment-journal.ts";

/** Makes the leaf of a change. */
export type LeafOf = (consents: readonly Consent[]) => { readonly id: string; readonly change: StoreChange };

/** What is committed with a revocation. */
export interface Beside {
  /** In the turn in which the key was got: it may be dropped from memory. */
  readonly also: (key: PatientKey) => readonly StoreChange[];
  readonly events: readonly OutboxEvent[];
}

export interface RevocationsOptions {
  readonly consents: ConsentRepository;
  readonly changes: RecalledChanges;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  /** Tells the doors of this process that the access tokens of the consent have ended; those of other processes remember none. */
  readonly ended?: (consent: string) => void;
}

/** Concurrent changes of one patient are rare; this many conflicts in a row mean that something is wrong. */
const attempts = 20;

/** Revokes consent: commit, recall, and only then an answer. */
export class Revocations {
  readonly #options: RevocationsOptions;

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /**
   * Once it resolves, this consent permits no read that starts later, on any enforcer. Revoking a revoked consent
   * recalls once more and returns it: an earlier attempt may have ended between commit and recall. Throws
   * `not_found`, also for one that `hides` hides, `stale_etag`, `unavailable` (then revoke again). `beside` is asked anew where
   * another writer was faster, and not where the consent is revoked already.
   */
  async revoke(
    partition: string,
    {
      consent,
      etag,
      hides,
      beside,
    }: {
      readonly consent: string;
      readonly etag: string;
      readonly hides?: readonly string[];
      readonly beside?: () => Promise<Beside | undefined>;
    },
    author: Author,
    leafOf: LeafOf,
  ): Promise<{ consent: Consent; changed: boolean }> {
    const { consents, changes } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await consents.stored(partition);
      const active = before?.document.current.consents.find(({ id }) => id === consent);
      if (!active) {
        const kept = await consents.get(partition, consent);
        if (!kept || isHidden(kept.terms, hides)) throw new ConsentError("not_found");
        if (kept.revokeTime === undefined) continue; // granted between the two reads
        await changes.again(partition, scopeOfRevocation([kept]));
        return { consent: kept, changed: false };
      }
      if (isHidden(active.terms, hides)) throw new ConsentError("not_found");
      if (etag !== "" && etag !== etagOf(active)) throw new ConsentError("stale_etag");
      const also = await beside?.();
      const change = { partition, before, active: [active], close: false, author, leafOf };
      const done = await this.#change({ ...change, ...(also && { beside: also }) });
      if (done?.[0]) return { consent: done[0], changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Resolves once a restore cannot undo the revocation. Throws `journal_unavailable`: the revocation holds, and the
   * journal gets it as soon as possible.
   */
  async writeDown(partition: string, consent: Consent): Promise<void> {
    try {
      await this.#options.journal.tell(factOf(partition, consent));
    } catch (cause) {
      if (cause instanceof JournalError) throw new ConsentError("journal_unavailable", { cause });
      throw cause;
    }
  }

  /** The first step of an erasure: the patient has no consent left, and none can be granted any more. */
  async revokeAll(partition: string, author: Author, leafOf: LeafOf): Promise<Consent[]> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.consents.stored(partition);
      const active = before?.document.current.consents ?? [];
      const done = await this.#change({ partition, before, active, close: true, author, leafOf });
      if (done) return done;
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Applies an entry of the journal to data that came from a backup. The first sweep recalls enforcers with earlier
   * decisions; there should be none, because every enforcer was stopped, too.
   */
  async replay(entry: Entry, leafOf: (partition: string) => LeafOf): Promise<void> {
    const { kind, partition, time } = entry;
    const ends = await this.#endedBy(entry);
    if (ends === undefined) return;
    const close = kind === "patient_erased";
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.consents.stored(partition);
      const current = before?.document.current ?? noConsents;
      const active = current.consents.filter(ends);
      if (close ? current.closed : active.length === 0) return;
      const author = { kind: "service", id: "consent" } as const;
      const change = { partition, before, active, close, author, leafOf: leafOf(partition), time };
      const recall = this.#options.changes.pending(partition, scopeOf(change));
      if (await this.#commit({ ...change, owed: false }, recall)) return;
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Selects the consents that an entry ends; undefined: the entry concerns no consent that the data lacks. If a
   * restore lost a denial, its content is unknown. So everything that the patient permits its organization ends, and
   * has to be granted again; and so does a consent of which a restore lost narrower terms.
   */
  async #endedBy({ kind, partition, subject }: Entry): Promise<((consent: Consent) => boolean) | undefined> {
    switch (kind) {
      case "patient_erased":
        return () => true;
      case "consent_revoked":
        return ({ id }) => id === subject;
      case "consent_amended": {
        const { consent, version } = amendedIn(subject);
        return (one) => one.id === consent && one.version < version;
      }
      case "consent_denies": {
        const { consents } = this.#options;
        const [id = "", grantee = ""] = subject.split("@");
        if ((await consents.get(partition, id)) !== undefined) return undefined;
        // Entries of before the version that seals consents name the organization itself.
        return ({ terms }) => grantee === consents.tagOf(terms.grantee) || grantee === terms.grantee;
      }
      default:
        return undefined;
    }
  }

  /** Undefined where another writer changed the patient's consents first. */
  async #change(change: Omit<Change, "time" | "owed">): Promise<Consent[] | undefined> {
    const { changes, clock, ended } = this.#options;
    const done = await changes.run(change.partition, scopeOf(change), (recall) =>
      // The service that runs an erasure records it in the journal as a whole.
      this.#commit({ ...change, time: clock.now(), owed: !change.close }, recall),
    );
    for (const { id } of done ?? []) ended?.(id);
    return done;
  }

  /** Undefined where another writer was faster. */
  async #commit(change: Change, recall: PendingRecall): Promise<Consent[] | undefined> {
    const { consents, journal } = this.#options;
    const { partition, before, active, close, author, leafOf, time, owed, beside } = change;
    const next = active.map((consent) => revoked(consent, time));
    const leaf = leafOf(next);
    const revisions = active.map((consent, i): Revision => {
      const replacedEtag = etagOf(consent);
      return { consent: next[i] ?? consent, replacedEtag, author, time, access: leaf.id };
    });
    const current = before?.document.current ?? noConsents;
    const after = withRevoked(current, new Set(active.map(({ id }) => id)));
    const result = await consents.commit({
      partition,
      before,
      after: close ? withClosed(after) : after,
      changed: next,
      revisions,
      recall,
      leaf: leaf.change,
      owed: [
        ...(owed ? next.map((consent) => journal.owed(factOf(partition, consent))) : []),
        ...(close ? [withoutCode(partition)] : []),
      ],
      ...beside,
    });
    return result.committed ? next : undefined;
  }
}

/** The consents to revoke, and their patient. */
interface Change {
  readonly partition: string;
  readonly before: Awaited<ReturnType<ConsentRepository["stored"]>>;
  readonly active: readonly Consent[];
  /** For good: no consent can be granted any more. */
  readonly close: boolean;
  readonly author: Author;
  readonly leafOf: LeafOf;
  /** UTC milliseconds. */
  readonly time: number;
  /** Whether each revocation must be recorded in the journal. */
  readonly owed: boolean;
  readonly beside?: Beside;
}

function scopeOf({ close, active }: Pick<Change, "close" | "active">) {
  return close ? scopeOfEverybody : scopeOfRevocation(active);
}

function factOf(partition: string, { id, revokeTime = 0 }: Consent): Fact {
  return { kind: "consent_revoked", partition, subject: id, time: revokeTime };
}
