import { type AccessLog, type Leaf, outcomeOf } from "@wellapi/access-log";
import type { Caller } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { RecordsError } from "../errors.ts";
import { accessInit } from "./access-convert.ts";
import type { ConsentClient } from "./consent-client.ts";
import type { DataPolicy } from "./data-policy.ts";
import type { Directory } from "./directory-client.ts";
import { asRecordsError } from "./failure-convert.ts";
import type { Intent, Result } from "./intent.ts";
import { type Subject, subjectOf } from "./subject.ts";

export interface GateDeps {
  readonly consents: ConsentClient;
  readonly directory: Directory;
  readonly policy: DataPolicy;
  readonly pairwise: Pairwise;
  readonly accessLog: AccessLog;
  /** Where this installation keeps data. */
  readonly region: string;
}

/** Decides whether data may move, and logs its decision. All data passes through it. */
export interface Gate extends Pick<ConsentClient, "decideRead" | "contributions" | "foresee"> {
  /** Attribute policies, which are asked before a consent is: a refusal says nothing of the patient. */
  readonly policy: DataPolicy;
  subject(caller: Caller, patientId: string): Subject;
  /** The entry of a permitted access, for the commit of the data. */
  leaf(intent: Intent, subject: Subject, result: Result): Leaf;
  /** Logs a permitted access in a separate commit; durable once it resolves with the entry's id. */
  record(intent: Intent, subject: Subject, result: Result): Promise<string>;
  /** Logs that a call failed, with the patient only where they exist; resolves with the error to throw. */
  refusal(intent: Intent, subject: Subject, error: unknown): Promise<unknown>;
}

/** The partition of entries about no patient. */
const SERVICE_PARTITION = "records";

export function createGate({ consents, directory, policy, pairwise, accessLog, region }: GateDeps): Gate {
  return {
    policy,
    async decideRead(...question) {
      // Each read, and each message of a stream, is decided here.
      if (accessLog.logDamaged()) throw new RecordsError("LOG_DAMAGED");
      return consents.decideRead(...question);
    },
    contributions: consents.contributions,
    async foresee(asked) {
      if (accessLog.logDamaged()) throw new RecordsError("LOG_DAMAGED");
      return consents.foresee(asked);
    },
    subject: (caller, patientId) => subjectOf(pairwise, region, caller, patientId),

    leaf: (intent, subject, result) =>
      accessLog.leaf(subject.partition, true, accessInit(pairwise, intent, subject, result), intent.trace),

    record: (intent, subject, result) =>
      accessLog.record(subject.partition, true, accessInit(pairwise, intent, subject, result)),

    async refusal(intent, subject, error) {
      const problem = asRecordsError(error);
      if (!(problem instanceof RecordsError)) return problem;
      const outcome = outcomeOf(problem.problem, "data");
      if (outcome === undefined) return problem;
      const undecided = outcome === "undecided";
      const result: Result = { outcome, reason: problem.logged };
      try {
        const known = await directory.find(subject.partition);
        if (known === undefined) {
          const init = accessInit(pairwise, intent, undefined, result);
          await accessLog.record(`${region}/${SERVICE_PARTITION}`, false, init);
        } else {
          await accessLog.record(subject.partition, true, accessInit(pairwise, intent, subject, result));
        }
      } catch (failure) {
        // An undecided call releases nothing, logged or not; a denial that is not logged does not count.
        return undecided ? problem : asRecordsError(failure);
      }
      return problem;
    },
  };
}
