import type { Entry, Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { OrganizationTimes } from "@wellapi/service";
import type { Change } from "@wellapi/store";
import { type Author, type CurrentConsents, isFrozen } from "../consent.ts";
import { ConsentError } from "../errors.ts";
import type { RecalledChanges } from "../recalled-changes.ts";
import type { Before, StandingChanges } from "../standing/standing-changes.ts";
import { writeDown } from "../standing/write-down.ts";
import {
  type EmergencyAccess,
  emergenciesOf,
  emergencyMs,
  type Means,
  mostOpen,
  type NowOf,
  scopeOfEnd,
  scopeOfOpening,
  scopeOfRefusalAgain,
  stateOf,
  stillOpen,
  withEnded,
  withOpened,
  withRefusal,
} from "./emergency.ts";
import { endOf, refusalOf, toldRefusal } from "./emergency-journal.ts";
import type { EmergencyRepository, KeptEmergency, StoredEmergency } from "./emergency-repository.ts";

/** Makes the leaf of a change; `access` is the emergency access, empty for a refusal. */
export type EmergencyLeafOf = (access: string) => { readonly id: string; readonly change: Change };

/** What a clinician asks. */
export interface Opening {
  readonly partition: string;
  readonly organization: string;
  readonly clinician: string;
  readonly reason: string;
  readonly means: Means;
  readonly requestId: string;
}

export interface EmergencyChangesOptions {
  readonly standing: StandingChanges;
  readonly emergencies: EmergencyRepository;
  readonly changes: Pick<RecalledChanges, "again">;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly times: Pick<OrganizationTimes, "now">;
  readonly ids: Ids;
}

const attempts = 20;
const byJournal: Author = { kind: "service", id: "consent" };

/** The changes of emergency access. Each is one commit of the patient's consents, its recall, and only then an answer. */
export class EmergencyChanges {
  readonly #options: EmergencyChangesOptions;

  constructor(options: EmergencyChangesOptions) {
    this.#options = options;
  }

  /**
   * Once it resolves, every later decision includes the access, on any enforcer. The same request again gives the same access.
   * Throws `patient_erased`, `emergency_refused`, `emergency_limited`, `request_id_reused`, `unavailable`.
   */
  async open(
    opening: Opening,
    leafOf: EmergencyLeafOf,
  ): Promise<{ kept: KeptEmergency; changed: boolean; told: boolean }> {
    const { emergencies, changes, times, ids } = this.#options;
    const { partition, requestId, ...asked } = opening;
    const requestMac = emergencies.requestMacOf(asked.organization, asked.clinician, requestId);
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      const repeated = await emergencies.findByRequest(requestMac);
      if (repeated) {
        if (!isRepeated(repeated, opening)) throw new ConsentError("request_id_reused");
        await changes.again(partition, scopeOfOpening(repeated.access));
        return { kept: repeated, changed: false, told: repeated.stored.document.told };
      }
      const now = times.now(asked.organization);
      checkOpening(before.current, times.now);
      const access = { id: ids.next("emg"), ...asked, createTime: now, expireTime: now + emergencyMs };
      const done = await this.#options.standing.make(before, {
        scope: scopeOfOpening(access),
        after: withOpened(before.current, access, times.now),
        also: (key) => [emergencies.insertion(key, { partition, access }, requestMac)],
        opens: true,
        leaf: leafOf(access.id).change,
      });
      if (done) return { kept: { partition, access }, changed: true, told: false };
    }
    throw new ConsentError("unavailable");
  }

  /**
   * Once it resolves, it permits no read that starts later, and a restore cannot undo that. What has ended or expired stays as it
   * is. Throws `not_found`, `unavailable`, `journal_unavailable` (it has ended; end it again).
   */
  async end(
    { partition, access: { id } }: KeptEmergency,
    by: Author,
    leafOf: EmergencyLeafOf,
  ): Promise<{ kept: KeptEmergency; changed: boolean }> {
    const { emergencies, changes, journal, times } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      const found = await emergencies.get(partition, id);
      if (found === undefined) throw new ConsentError("emergency_not_found");
      const { access } = found;
      if (stateOf(access, times.now(access.organization)) !== "open") {
        if (access.end === undefined) return { kept: found, changed: false };
        await changes.again(partition, scopeOfEnd([access]));
        await writeDown(journal, endOf(partition, access));
        return { kept: found, changed: false };
      }
      const ended = await this.#end(before, found, by, times.now, leafOf, true);
      if (ended === undefined) continue;
      await writeDown(journal, endOf(partition, ended));
      return { kept: { partition, access: ended }, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /** Gives the refusal of all emergency access, or takes it back. Throws `unavailable`, `journal_unavailable`. */
  async refuse(
    partition: string,
    refused: boolean,
    by: Author,
    leafOf: EmergencyLeafOf,
  ): Promise<{ refuseTime: number | undefined; changed: boolean }> {
    const { changes, journal, clock, times } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      const { refuseTime, refusals } = emergenciesOf(before.current);
      if (refused === (refuseTime !== undefined)) {
        // The attempt before may have ended between the commit and the recall, or before the journal.
        if (refused) await changes.again(partition, scopeOfRefusalAgain);
        if (refusals > 0) await writeDown(journal, refusalOf(partition, refusals, refuseTime, clock.now()));
        return { refuseTime, changed: false };
      }
      const now = clock.now();
      const next = refused ? now : undefined;
      if (
        !(await this.#refuse(before, {
          refuseTime: next,
          refusals: refusals + 1,
          now,
          nowOf: times.now,
          by,
          leafOf,
          owed: true,
        }))
      )
        continue;
      await writeDown(journal, refusalOf(partition, refusals + 1, next, now));
      return { refuseTime: next, changed: true };
    }
    throw new ConsentError("unavailable");
  }

  /** Applies an entry of the journal to data that came from a backup. */
  async replay(entry: Entry, leafOf: (partition: string) => EmergencyLeafOf): Promise<void> {
    const { kind, partition, subject, time } = entry;
    const told = toldRefusal(entry);
    if (kind !== "emergency_ended" && told === undefined) return;
    // Before services are asked for anything; what it takes for open a little longer, nobody reads by.
    const nowOf = () => time;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const before = await this.#options.standing.before(partition);
      if (told !== undefined) {
        if (emergenciesOf(before.current).refusals >= told.refusals) return;
        const refuseTime = told.refused ? time : undefined;
        const change = {
          refuseTime,
          refusals: told.refusals,
          now: time,
          nowOf,
          by: byJournal,
          leafOf: leafOf(partition),
        };
        if (await this.#refuse(before, { ...change, owed: false })) return;
        continue;
      }
      const found = await this.#options.emergencies.get(partition, subject);
      if (found === undefined || found.access.end !== undefined) return;
      if (await this.#end(before, found, byJournal, nowOf, leafOf(partition), false)) return;
    }
    throw new ConsentError("unavailable");
  }

  /** Undefined where something else changed meanwhile. */
  async #end(
    before: Before,
    found: StoredEmergency,
    by: Author,
    nowOf: NowOf,
    leafOf: EmergencyLeafOf,
    owed: boolean,
  ): Promise<EmergencyAccess | undefined> {
    const { emergencies, journal } = this.#options;
    const { access } = found;
    const ended: EmergencyAccess = { ...access, end: { time: nowOf(access.organization), by } };
    const done = await this.#options.standing.make(before, {
      scope: scopeOfEnd([access]),
      after: withEnded(before.current, access.id, nowOf),
      also: (key) => [
        emergencies.replacement(key, found, ended),
        ...(owed ? [journal.owed(endOf(found.partition, ended))] : []),
      ],
      opens: false,
      leaf: leafOf(access.id).change,
    });
    return done ? ended : undefined;
  }

  /** Whether it was committed. A refusal ends what is open. */
  async #refuse(before: Before, change: Refusal): Promise<boolean> {
    const { emergencies, journal } = this.#options;
    const { partition, current } = before;
    const { refuseTime, refusals, now, nowOf, by, leafOf, owed } = change;
    const open = refuseTime === undefined ? [] : stillOpen(current, nowOf);
    const found = (await Promise.all(open.map(({ id }) => emergencies.get(partition, id)))).filter(
      (one) => one !== undefined,
    );
    return this.#options.standing.make(before, {
      scope: scopeOfEnd(open),
      after: withRefusal(current, refuseTime, refusals),
      also: (key) => [
        ...found.map((one) => {
          const end = { time: nowOf(one.access.organization), by };
          return emergencies.replacement(key, one, { ...one.access, end });
        }),
        ...(owed ? [journal.owed(refusalOf(partition, refusals, refuseTime, now))] : []),
      ],
      opens: false,
      leaf: leafOf("").change,
    });
  }
}

interface Refusal {
  readonly refuseTime: number | undefined;
  readonly refusals: number;
  readonly now: number;
  readonly nowOf: NowOf;
  readonly by: Author;
  readonly leafOf: EmergencyLeafOf;
  /** Whether the journal must get it. */
  readonly owed: boolean;
}

function isRepeated({ partition, access }: KeptEmergency, opening: Opening): boolean {
  return partition === opening.partition && access.reason === opening.reason;
}

function checkOpening(current: CurrentConsents, nowOf: NowOf): void {
  if (current.closed) throw new ConsentError("patient_erased");
  if (isFrozen(current)) throw new ConsentError("record_frozen");
  if (emergenciesOf(current).refuseTime !== undefined) throw new ConsentError("emergency_refused");
  if (stillOpen(current, nowOf).length < mostOpen) return;
  const message = `${mostOpen} emergency accesses to this patient are open: end one first`;
  throw new ConsentError("emergency_limited", { message });
}
