import type { Entry, Follower } from "@wellapi/journal";
import type { Logger } from "@wellapi/runtime";
import type { Holding } from "../blocks/documents.ts";
import { withBox } from "../blocks/patient-box.ts";
import { RecordsError } from "../errors.ts";
import type { ConsentClient } from "../gate/consent-client.ts";
import type { Directory } from "../gate/directory-client.ts";
import type { Intent, Result } from "../gate/intent.ts";
import { requireOwn } from "../gate/own-subject.ts";
import type { Subject } from "../gate/subject.ts";
import {
  begunErasure,
  type Erasure,
  type ErasureProgress,
  erasureOf,
  isDone,
  type KnownErasure,
  progressOf,
} from "./erasure.ts";
import { createErasureRepository, type ErasureRepository, type StoredErasure } from "./erasure-repository.ts";
import type { OrganizationTotals } from "./organization-totals.ts";
import type { WriteDeps } from "./write-deps.ts";

export interface EraseDeps extends WriteDeps {
  readonly consents: Pick<ConsentClient, "revokeAll">;
  readonly directory: Directory;
  readonly journal: Pick<Follower, "tell">;
  readonly totals: Pick<OrganizationTotals, "add" | "organizations">;
  readonly log: Logger;
}

const MAX_ATTEMPTS = 16;

/**
 * The service itself is the actor: it completes an erasure that a patient began, or applies an entry of the journal.
 */
const ownIntent: Intent = {
  caller: { principal: { kind: "service", id: "records" }, workload: "records", token: "" },
  method: "wellapi.records.v1.RecordsService/ErasePatient",
  patient: "",
  direction: "read",
  codes: [],
};

/** Erases patients. */
export interface Erase {
  /** Erases the caller. Once begun it cannot fail, only take longer: then ERASURE_INCOMPLETE is thrown. */
  erase(intent: Intent): Promise<Erasure>;
  /** The progress of the caller's erasure. Throws NOT_FOUND where none has begun. */
  progress(intent: Intent): Promise<ErasureProgress>;
  /**
   * Applies an erasure of the journal to data, or to keys, that came from a backup: once it resolves, nothing of the
   * patient is stored or read any more. The rest of it continues like any other erasure.
   */
  replay(entry: Entry): Promise<void>;
  /** Continues erasures that began and have stopped. */
  resume(): Promise<void>;
}

/**
 * Erases patients. An erasure begins with one commit, after which nothing is stored or read any more: an append under
 * way conflicts with the replaced head. From then on it only goes forward, and each step may be repeated: consents
 * are revoked and recalled, the key is destroyed for ever (the vault scrubs its files), the data is deleted, identity
 * is called, and last the entry is committed that proves the erasure. Deleted documents may leave sealed bytes in the
 * files, which nothing opens: docs/decisions/0006.
 */
export function createErase(deps: EraseDeps): Erase {
  const { gate, vault, queue, ids, log } = deps;
  const erasures = createErasureRepository(deps.store);
  const begin = createBeginning(deps, erasures);
  const steps = createSteps(deps, erasures);
  const running = new Map<string, Promise<Erasure>>();

  /** Continues an erasure from its current step. Calls of the same patient share one run. */
  function proceed(partition: string): Promise<Erasure> {
    const known = running.get(partition);
    if (known !== undefined) return known;
    const run = steps(partition).finally(() => running.delete(partition));
    running.set(partition, run);
    return run;
  }

  return {
    async erase(intent) {
      const subject = gate.subject(intent.caller, intent.patient);
      const { partition } = subject;
      try {
        requireOwn(subject);
        // A carer is whom the patient has named for daily things: what cannot be undone stays the patient's own.
        if (intent.caller.principal.actor?.kind === "carer") {
          throw new RecordsError("CALLER_NOT_PERMITTED", { logged: "CARER" });
        }
        await queue.run(partition, async () => {
          const id = ids.next("era");
          const said: Result = { phase: "opened" };
          for (let i = 0; i < MAX_ATTEMPTS; i++) if (await begin(intent, subject, said, { id })) return;
          throw new RecordsError("STORE_UNAVAILABLE");
        });
      } catch (error) {
        throw await gate.refusal(intent, subject, error);
      }
      try {
        return await proceed(partition);
      } catch (error) {
        log.error({ err: error }, "an erasure has stopped and will be continued");
        throw new RecordsError("ERASURE_INCOMPLETE", { cause: error });
      }
    },

    async progress(intent) {
      const subject = gate.subject(intent.caller, intent.patient);
      try {
        requireOwn(subject);
        const erasure = await erasures.load(subject.partition);
        if (erasure === undefined) throw new RecordsError("NOT_FOUND");
        await gate.record(intent, subject, {});
        return progressOf(erasure.document);
      } catch (error) {
        throw await gate.refusal(intent, subject, error);
      }
    },

    async replay({ kind, partition, subject: id, time }) {
      if (kind !== "patient_erased") return;
      const said = { phase: "opened", reason: "REPLAYED_AFTER_RESTORE" } as const;
      const keyIds = await vault.keyIds(partition, "data");
      for (let i = 0; !(await erasures.load(partition)); i++) {
        if (i === MAX_ATTEMPTS) throw new RecordsError("STORE_UNAVAILABLE");
        await begin(ownIntent, subjectOf(partition), said, { id, key_destroyed_ms: time, key_ids: keyIds });
      }
      if (keyIds.length > 0) await vault.destroy(partition, "data");
    },

    async resume() {
      for (const partition of await erasures.running()) {
        try {
          await proceed(partition);
        } catch (error) {
          log.warn({ err: error }, "an erasure could not be continued; it will be tried again");
        }
      }
    },
  };
}

/** Begins an erasure, or finds it begun. False where another commit came between. */
function createBeginning(deps: EraseDeps, erasures: ErasureRepository) {
  const { gate, accessLog, hub, log } = deps;
  return async (intent: Intent, subject: Subject, said: Result, known: KnownErasure): Promise<boolean> => {
    const { partition } = subject;
    if (await erasures.load(partition)) {
      await gate.record(intent, subject, { ...said, phase: "call" });
      return true;
    }
    const leaf = gate.leaf(intent, subject, said);
    const begun = await erasures.begin(begunErasure(partition, known, leaf.id), leaf.change);
    if (begun === undefined) return false;
    accessLog.notify();
    hub.notify(partition);
    // While there is a key: the head names organizations by MACs under it.
    await release(deps, partition, begun.held).catch((err: unknown) => {
      log.warn({ err }, "what organizations held of an erased patient still counts for them");
    });
    return true;
  };
}

/** Takes what organizations held of the patient off their totals. */
async function release(
  { vault, totals }: EraseDeps,
  partition: string,
  held: readonly Holding[],
): Promise<void> {
  if (held.length === 0) return;
  const organizations = await totals.organizations();
  await withBox(vault, partition, ({ ownerId }) => {
    const byOwner = new Map(organizations.map((organization) => [ownerId(organization), organization]));
    for (const { owner, bytes, series } of held) {
      const organization = byOwner.get(owner);
      if (organization !== undefined) totals.add(organization, { bytes: -bytes, series: -series });
    }
  });
}

/** All steps after the beginning, from the current one on. */
function createSteps(
  { vault, gate, accessLog, clock, directory, consents, journal }: EraseDeps,
  erasures: ErasureRepository,
) {
  async function destroyKeys(erasure: StoredErasure): Promise<StoredErasure> {
    const { partition, key_ids } = erasure.document;
    // Noted before: after a crash it would be unknown which keys existed.
    const held = new Set([...key_ids, ...(await vault.keyIds(partition, "data"))]);
    const noted = await erasures.save(erasure, { key_ids: [...held] });
    await vault.destroy(partition, "data");
    return erasures.save(noted, { key_destroyed_ms: clock.now() });
  }

  return async (partition: string): Promise<Erasure> => {
    let erasure = (await erasures.load(partition))!;
    if (isDone(erasure.document)) return erasureOf(erasure.document);
    await consents.revokeAll(partition);
    if (erasure.document.key_destroyed_ms === 0) erasure = await destroyKeys(erasure);
    erasure = await erasures.deleteData(erasure);
    await directory.markErased(partition);
    // After the steps, because a recorded fact counts as true everywhere; before the caller gets a promise.
    const { id, key_destroyed_ms: time, opened_by, documents_deleted } = erasure.document;
    await journal.tell({ kind: "patient_erased", partition, subject: id, time });
    const closing: Result = { phase: "closed", openedBy: opened_by, items: documents_deleted };
    const leaf = gate.leaf(ownIntent, subjectOf(partition), closing);
    erasure = await erasures.save(erasure, { state: "done", access: leaf.id }, [leaf.change]);
    accessLog.notify();
    return erasureOf(erasure.document);
  };
}

function subjectOf(partition: string): Subject {
  return { partition, patient: partition.slice(partition.indexOf("/") + 1), own: false, outsideToken: false };
}
