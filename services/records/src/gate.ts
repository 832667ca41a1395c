import type { AccessLog } from "@wellapi/access-log";
import type { Enforcer, Permit, Question } from "@wellapi/enforcer";
import { Access_Outcome } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { DenialReason } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Caller } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { accessInit, type Intent, type Result } from "./access-entry.ts";
import type { Directory } from "./directory.ts";
import { invalidField, RecordsError } from "./errors.ts";
import { asRecordsError } from "./failure.ts";
import type { ConsentPermit } from "./grant.ts";
import { unite } from "./interval.ts";
import type { Contribution } from "./judgement.ts";
import { type Subject, subjectOf } from "./subject.ts";

export interface GateDeps {
  readonly enforcer: Enforcer;
  readonly directory: Directory;
  readonly pairwise: Pairwise;
  readonly accessLog: AccessLog;
  /** Where this installation keeps and receives data. */
  readonly region: string;
}

/** The permits to read a code now; `own` for a patient's own reading, which needs none. */
export type Reading =
  | { readonly own: true }
  | { readonly own: false; readonly permits: readonly ConsentPermit[] };

/** What may be contributed, by code, with the permits that say so. */
export type Contributions = ReadonlyMap<string, Contribution & { readonly permits: readonly Permit[] }>;

/** Says whether data may move, and writes down what it said. Everything that moves data goes through it. */
export interface Gate {
  subject(caller: Caller, patientId: string): Subject;
  /**
   * Decides now whether the caller may read a code. A yes holds for one read or message. Throws RecordsError
   * CONSENT_REQUIRED for a no, EnforcerError `undecided` where nothing can be said.
   */
  reading(subject: Subject, caller: Caller, code: string, purpose: Purpose): Promise<Reading>;
  /** Decides now what the caller's organization may contribute, by code. Throws EnforcerError `undecided`. */
  contributions(subject: Subject, organization: string, codes: Iterable<string>): Promise<Contributions>;
  /** The entry of a permitted access, for the commit of the data. */
  leaf(intent: Intent, subject: Subject, result: Result): ReturnType<AccessLog["leaf"]>;
  /** Logs a permitted access by itself; durable once it resolves with the entry's id. */
  record(intent: Intent, subject: Subject, result: Result): Promise<string>;
  /** Logs that a call got an error, with the patient only where there is one; resolves with what to throw. */
  refusal(intent: Intent, subject: Subject, error: unknown): Promise<unknown>;
}

/** Nothing was released or stored, and an entry for each attempt would use up the reserve that reads need. */
const unlogged: ReadonlySet<string> = new Set(["STORE_UNAVAILABLE", "LOG_UNAVAILABLE", "ERASURE_INCOMPLETE"]);

/** Where entries stand that are about no patient. */
const SERVICE_PARTITION = "records";

export function createGate(deps: GateDeps): Gate {
  const { enforcer, directory, pairwise, accessLog, region } = deps;

  async function decide(question: Question) {
    return enforcer.peek(question) ?? (await enforcer.decide(question));
  }

  return {
    subject: (caller, patientId) => subjectOf(pairwise, region, caller, patientId),

    async reading(subject, caller, code, purpose) {
      if (subject.own) {
        if (purpose === Purpose.PATIENT_REQUEST) return { own: true };
        throw invalidField("purpose", "a patient reads their own data for PURPOSE_PATIENT_REQUEST");
      }
      const { organization } = caller.principal;
      if (organization === undefined) throw denied(DenialReason.NO_CONSENT);
      const { partition } = subject;
      const verdict = await decide({
        partition,
        organization,
        direction: Direction.READ,
        code,
        purpose,
        region,
      });
      if (!verdict.permitted) throw denied(verdict.reason);
      return { own: false, permits: verdict.permits.map(consentPermit) };
    },

    async contributions(subject, organization, codes) {
      const decideOne = async (code: string) => {
        const verdict = await decide({
          partition: subject.partition,
          organization,
          direction: Direction.CONTRIBUTE,
          code,
          purpose: Purpose.UNSPECIFIED,
          region,
        });
        if (!verdict.permitted) return { permitted: false, ...lack(verdict.reason), permits: [] } as const;
        const { permits } = verdict;
        return { permitted: true, windows: unite(permits), permits } as const;
      };
      const entries = [...new Set(codes)].map(async (code) => [code, await decideOne(code)] as const);
      return new Map(await Promise.all(entries));
    },

    leaf: (intent, subject, result) =>
      accessLog.leaf(subject.partition, true, accessInit(pairwise, intent, subject, result)),

    record: (intent, subject, result) =>
      accessLog.record(subject.partition, true, accessInit(pairwise, intent, subject, result)),

    async refusal(intent, subject, error) {
      const problem = asRecordsError(error);
      if (!(problem instanceof RecordsError) || unlogged.has(problem.code)) return problem;
      const undecided = problem.code === "UNDECIDED";
      const result: Result = {
        outcome: undecided ? Access_Outcome.UNDECIDED : Access_Outcome.DENIED,
        reason: problem.logged,
      };
      try {
        const known = await directory.find(subject.partition);
        if (known === undefined) {
          const init = accessInit(pairwise, intent, undefined, result);
          await accessLog.record(`${region}/${SERVICE_PARTITION}`, false, init);
        } else {
          await accessLog.record(subject.partition, true, accessInit(pairwise, intent, subject, result));
        }
      } catch (failure) {
        // A call that could not be decided releases nothing, logged or not; a denial that is not logged is none.
        return undecided ? problem : asRecordsError(failure);
      }
      return problem;
    },
  };
}

/** An unknown resolution never permits. */
function consentPermit(permit: Permit): ConsentPermit {
  const { consent, version, resolution, from, to } = permit;
  return { consent, version, fineness: fineness.get(resolution), window: { from, to } };
}

const fineness: ReadonlyMap<Resolution, ConsentPermit["fineness"]> = new Map([
  [Resolution.RAW, "raw"],
  [Resolution.HOURLY, "hourly"],
  [Resolution.DAILY, "daily"],
]);

function lack(reason: DenialReason): { scope: "none" | "other"; reason: string } {
  switch (reason) {
    case DenialReason.CATEGORY:
      return { scope: "other", reason: "CONSENT_CATEGORY" };
    case DenialReason.REGION:
      return { scope: "other", reason: "CONSENT_REGION" };
    case DenialReason.PURPOSE:
      return { scope: "other", reason: "CONSENT_PURPOSE" };
    default:
      return { scope: "none", reason: "CONSENT_REQUIRED" };
  }
}

/** The caller is told CONSENT_REQUIRED whatever the reason; the log tells the reason to the patient. */
function denied(reason: DenialReason): RecordsError {
  return new RecordsError("CONSENT_REQUIRED", { logged: `CONSENT_${DenialReason[reason] ?? "UNKNOWN"}` });
}
