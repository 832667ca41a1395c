import { type Entry, type Fact, type Follower, JournalError } from "@wellapi/journal";
import type { Clock, Ids, Logger } from "@wellapi/runtime";
import type { Change as StoreChange } from "@wellapi/store";
import { type Consent, noConsents, revoked, withRevoked } from "./consent.ts";
import type { Author, ConsentRepository, Revision } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import { etagOf } from "./etag.ts";
import type { Recalls } from "./recall.ts";

/** The leaf of a change, made for what was changed. */
export type LeafOf = (consents: readonly Consent[]) => { readonly id: string; readonly change: StoreChange };

export interface RevocationsOptions {
  readonly consents: ConsentRepository;
  readonly recalls: Recalls;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
}

/** Changes of one patient meet each other rarely; this many in a row means that something is wrong. */
const attempts = 20;

/** Takes consent back: commit, recall, and only then an answer. */
export class Revocations {
  readonly #options: RevocationsOptions;
  /** Recalls that this replica is running. */
  readonly #running = new Set<string>();
  #seen = new Set<string>();

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /**
   * Once it resolves, no read that starts later is permitted by this consent, on any enforcer. Revoking a
   * revoked consent recalls once more and gives it back: an earlier attempt may have ended between commit and
   * recall. Throws `not_found`, `stale_etag`, `unavailable` (then revoke again).
   */
  async revoke(
    partition: string,
    consent: string,
    etag: string,
    author: Author,
    leafOf: LeafOf,
  ): Promise<{ consent: Consent; changed: boolean }> {
    const { consents, recalls } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await consents.stored(partition);
      const active = before?.document.current.consents.find(({ id }) => id === consent);
      if (!active) {
        const kept = await consents.get(partition, consent);
        if (!kept) throw new ConsentError("not_found");
        if (kept.revokeTime === undefined) continue; // granted between the two reads
        await recalls.recall(partition);
        return { consent: kept, changed: false };
      }
      if (etag !== "" && etag !== etagOf(active)) throw new ConsentError("stale_etag");
      const done = await this.#change({ partition, before, active: [active], close: false, author, leafOf });
      if (done?.[0]) return { consent: done[0], changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Resolves once a restore can't undo the revocation. Throws `journal_unavailable`: the revocation holds, and is
   * written down as soon as that can be done.
   */
  async writeDown(partition: string, consent: Consent): Promise<void> {
    try {
      await this.#options.journal.tell(factOf(partition, consent));
    } catch (cause) {
      if (cause instanceof JournalError) throw new ConsentError("journal_unavailable", { cause });
      throw cause;
    }
  }

  /** The first step of an erasure: no consent of the patient is left, and none can be given any more. */
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
   * Completes recalls that a replica left behind when it stopped between commit and recall. Those of a replica
   * that is alive are its own business: a recall is taken over when two sweeps have met it.
   */
  async sweep(takeOverAtOnce: boolean): Promise<void> {
    const { consents, recalls } = this.#options;
    const pending = await consents.pendingRecalls(1_000);
    const due = pending.filter(({ recall }) => {
      return !this.#running.has(recall) && (takeOverAtOnce || this.#seen.has(recall));
    });
    this.#seen = new Set(pending.map(({ recall }) => recall));
    await Promise.all(
      due.map(async (entry) => {
        this.#running.add(entry.recall);
        try {
          await recalls.recall(entry.partition);
          await consents.recallDone(entry);
        } finally {
          this.#running.delete(entry.recall);
        }
      }),
    );
  }

  /**
   * Makes an entry of the journal true of data that came from a backup. Who had decisions from before is recalled by the
   * first sweep: nobody should have any, for whatever enforced was stopped, too.
   */
  async replay(entry: Entry, leafOf: (partition: string) => LeafOf): Promise<void> {
    const { kind, partition, subject, time } = entry;
    if (kind !== "consent_revoked" && kind !== "patient_erased") return;
    const close = kind === "patient_erased";
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.consents.stored(partition);
      const current = before?.document.current ?? noConsents;
      const active = current.consents.filter(({ id }) => close || id === subject);
      if (close ? current.closed : active.length === 0) return;
      const author = { kind: "service", id: "consent" } as const;
      const change = { partition, before, active, close, author, leafOf: leafOf(partition), time };
      if (await this.#commit({ ...change, owed: false }, this.#options.ids.next("rcl"))) return;
    }
    throw new ConsentError("unavailable");
  }

  /** Undefined where somebody else changed the patient's consents first. */
  async #change(change: Omit<Change, "time" | "owed">): Promise<Consent[] | undefined> {
    const { recalls, consents, clock, ids, log } = this.#options;
    const { partition, close } = change;
    const pending = { partition, recall: ids.next("rcl") };
    this.#running.add(pending.recall);
    try {
      // An erasure is written down as a whole, by the service that runs it.
      const next = await this.#commit({ ...change, time: clock.now(), owed: !close }, pending.recall);
      if (!next) return undefined;
      await recalls.recall(partition);
      await consents.recallDone(pending).catch((error: unknown) => {
        // The recall is complete; the sweep runs it once more and tidies up.
        log.warn({ err: error }, "a completed recall could not be ticked off");
      });
      return next;
    } finally {
      this.#running.delete(pending.recall);
    }
  }

  /** Undefined where somebody else was faster. */
  async #commit(change: Change, recall: string): Promise<Consent[] | undefined> {
    const { consents, journal } = this.#options;
    const { partition, before, active, close, author, leafOf, time, owed } = change;
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
      after: { ...after, closed: close || after.closed },
      revoked: next,
      revisions,
      recall,
      leaf: leaf.change,
      owed: owed ? next.map((consent) => journal.owed(factOf(partition, consent))) : [],
    });
    return result.committed ? next : undefined;
  }
}

/** What is taken back, of which patient. */
interface Change {
  readonly partition: string;
  readonly before: Awaited<ReturnType<ConsentRepository["stored"]>>;
  readonly active: readonly Consent[];
  /** For good: no consent can be given any more. */
  readonly close: boolean;
  readonly author: Author;
  readonly leafOf: LeafOf;
  /** UTC milliseconds. */
  readonly time: number;
  /** Whether the journal must be told of each. */
  readonly owed: boolean;
}

function factOf(partition: string, { id, revokeTime = 0 }: Consent): Fact {
  return { kind: "consent_revoked", partition, subject: id, time: revokeTime };
}
