import type { Entry, Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change } from "@wellapi/store";
import { type Author, scopeOfEverybody } from "../consent.ts";
import { ConsentError } from "../errors.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { Before, StandingChange, StandingChanges } from "../standing/standing-changes.ts";
import { writeDown } from "../standing/write-down.ts";
import {
  checkDecision,
  type DeathDecision,
  type DeathReport,
  lostReport,
  nextChange,
  stateOf,
  withFreeze,
} from "./death.ts";
import { freezeOf, toldFreeze } from "./death-journal.ts";
import type { DeathRepository, KeptReport, StoredReport } from "./death-repository.ts";

/** Makes the leaf of a change. */
export type DeathLeafOf = () => Change;

export interface DeathChangesOptions {
  readonly standing: StandingChanges;
  readonly reports: DeathRepository;
  readonly changes: Pick<RecalledChanges, "again">;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What somebody says. */
export interface Reporting
  extends Pick<DeathReport, "organization" | "reporter" | "dateOfDeath" | "grounds"> {
  readonly partition: string;
  readonly requestId: string;
}

/** What the privacy officer decides. */
export interface Deciding {
  readonly to: DeathDecision["state"];
  readonly by: Author;
  readonly note: string;
}

const attempts = 20;
const byJournal: Author = { kind: "service", id: "consent" };

/** The changes of reports. What freezes or thaws a record is one commit of the patient's consents, its recall, and only then an answer. */
export class DeathChanges {
  readonly #options: DeathChangesOptions;

  constructor(options: DeathChangesOptions) {
    this.#options = options;
  }

  /**
   * Nothing changes by it. The same request again gives the same report. Throws `request_id_reused`, `death_reported`,
   * `death_patient_unknown`, `unavailable`.
   */
  async report(asked: Reporting, leafOf: DeathLeafOf): Promise<{ kept: KeptReport; changed: boolean }> {
    const { reports, clock, ids } = this.#options;
    const { partition, requestId, ...said } = asked;
    const requestMac = reports.requestMacOf(said.organization, requestId);
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const repeated = await reports.findByRequest(requestMac);
      if (repeated !== undefined) {
        if (!isRepeated(repeated, asked)) throw new ConsentError("request_id_reused");
        return { kept: repeated, changed: false };
      }
      const waits = (await reports.ofPatient(partition)).some(
        ({ report }) => report.organization === said.organization && stateOf(report) === "reported",
      );
      if (waits) throw new ConsentError("death_reported");
      const report: DeathReport = { id: ids.next("dth"), ...said, createTime: clock.now(), decisions: [] };
      const kept = { partition, report };
      const done = await reports.insert(kept, requestMac, leafOf());
      if (done === undefined) throw new ConsentError("death_patient_unknown");
      if (done) return { kept, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Once it resolves, the decision holds on every enforcer, and a restore cannot undo it. Deciding the same again recalls once more.
   * Throws `death_not_found`, `death_decided`, `frozen_already`, `patient_erased`, `unavailable`, `journal_unavailable` (it holds;
   * send it again).
   */
  async decide(
    { partition, report: { id } }: KeptReport,
    deciding: Deciding,
    leafOf: DeathLeafOf,
  ): Promise<{ kept: KeptReport; changed: boolean; told: boolean }> {
    const { reports, changes, clock } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      const found = await reports.get(partition, id);
      if (found === undefined) throw new ConsentError("death_not_found");
      if (checkDecision(found.report, deciding.to, before.current) === "decided") {
        // The attempt before may have ended between the commit and the recall, or before the journal.
        if (deciding.to !== "dismissed") await changes.again(partition, scopeOfEverybody);
        await this.#writeDown(found);
        return { kept: found, changed: false, told: found.stored.document.told };
      }
      const report = await this.#decide(before, found, deciding, clock.now(), leafOf);
      if (report === undefined) continue;
      const kept = { partition, report };
      await this.#writeDown(kept);
      return { kept, changed: true, told: deciding.to === "dismissed" };
    }
    throw new ConsentError("unavailable");
  }

  /** Applies an entry of the journal to data that came from a backup; identity applies it to its own. */
  async replay(entry: Entry, leafOf: (partition: string) => Change): Promise<void> {
    const told = toldFreeze(entry);
    if (told === undefined) return;
    const { partition, time } = entry;
    const { reports } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      if ((before.current.freeze?.changes ?? 0) >= told.change) return;
      const found = await reports.get(partition, told.report);
      const state = told.frozen ? "confirmed" : "undone";
      const decision: DeathDecision = { state, time, by: byJournal, note: "", change: told.change };
      const report = withDecision(found?.report ?? lostReport(told.report, time), decision);
      const mac = reports.requestMacOf("", `restored ${told.report}`);
      const done = await this.#freeze(before, decision, {
        also: (key) => [
          found === undefined
            ? reports.insertion(key, { partition, report }, mac, true)
            : reports.replacement(key, found, report, true),
        ],
        leaf: leafOf(partition),
      }).catch(unlessErased);
      if (done) return;
    }
    throw new ConsentError("unavailable");
  }

  /** Undefined where something else changed meanwhile. */
  async #decide(
    before: Before,
    found: StoredReport,
    { to, by, note }: Deciding,
    now: number,
    leafOf: DeathLeafOf,
  ): Promise<DeathReport | undefined> {
    const { reports, journal } = this.#options;
    if (to === "dismissed") {
      const report = withDecision(found.report, { state: to, time: now, by, note });
      const done = await reports.replace(found, report, leafOf());
      if (done === undefined) throw new ConsentError("patient_erased");
      return done ? report : undefined;
    }
    const decision: DeathDecision = { state: to, time: now, by, note, change: nextChange(before.current) };
    const report = withDecision(found.report, decision);
    const fact = freezeOf(found.partition, report);
    const done = await this.#freeze(before, decision, {
      also: (key) => [reports.replacement(key, found, report), ...(fact ? [journal.owed(fact)] : [])],
      leaf: leafOf(),
    });
    return done ? report : undefined;
  }

  /** Commits and recalls. False: another writer was faster. */
  #freeze(
    before: Before,
    { state, time, change = 0 }: DeathDecision,
    documents: Pick<StandingChange, "also" | "leaf">,
  ): Promise<boolean> {
    const frozen = state === "confirmed";
    const after = withFreeze(before.current, change, frozen ? time : undefined);
    // A thaw takes something away, too: from the representatives.
    const scope = scopeOfEverybody;
    return this.#options.standing.make(before, { scope, after, opens: !frozen, ...documents });
  }

  async #writeDown({ partition, report }: KeptReport): Promise<void> {
    const fact = freezeOf(partition, report);
    if (fact !== undefined) await writeDown(this.#options.journal, fact);
  }
}

function withDecision(report: DeathReport, decision: DeathDecision): DeathReport {
  return { ...report, decisions: [...report.decisions, decision] };
}

function isRepeated({ partition, report }: KeptReport, asked: Reporting): boolean {
  const { dateOfDeath, grounds } = report;
  return partition === asked.partition && dateOfDeath === asked.dateOfDeath && grounds === asked.grounds;
}

/** The retention is over: nothing is left to freeze. */
function unlessErased(error: unknown): true {
  if (error instanceof ConsentError && error.code === "patient_erased") return true;
  throw error;
}
