import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { type Caller, callerKey, isProblemCarrier } from "@wellapi/rpc";
import type { Pairwise } from "@wellapi/vault";
import { entryOf } from "./entry.ts";
import { assertLeavesEntry } from "./entry-rules.ts";
import { outcomeOf } from "./outcome.ts";
import type { AccessInit, AccessLog, Leaf } from "./port.ts";

/** A patient whom a call is about. */
export interface Subject {
  /** Internal id. */
  readonly id: string;
  readonly partition: string;
}

type Consents = ReadonlyArray<{ readonly id: string; readonly version: number }>;

/** What a caller without an internal token has shown in the request itself. */
export interface Shown {
  /** Whose it is; empty for the installation's. */
  readonly organization: string;
  readonly credential: string;
}

/** One call that leaves an entry in the log. */
export interface LoggedCall {
  readonly caller: Caller;
  /** The call's entries name this instead of the caller's own credential, of which an anonymous one has none. */
  showed(shown: Shown): void;
  /**
   * Names a patient of the call, and the consents that it showed or changed; a second call for the same patient
   * replaces the first. Each patient gets an entry, even if the call is denied.
   */
  about(patient: Subject, consents?: Consents): void;
  /** Names the emergency access that the call opens or ends, in its entries. */
  emergency(access: string): void;
  /**
   * The leaf for the commit of a change, about a patient or about the installation. Call `committed` once it is
   * stored.
   */
  leaf(patient: Subject | undefined, consents?: Consents): Leaf;
  committed(): void;
}

/**
 * Runs a call so that it leaves what `entry-rules.ts` says of its RPC. The entry is committed with the call's change; where the
 * call changed nothing or was denied, it is durable before the call is answered. Throws what `work` throws, and AccessLogError
 * where the log cannot be written: then nothing is answered. `C` is the call as the service's handlers see it.
 */
export type RunLogged<C> = <T>(
  context: HandlerContext,
  method: DescMethod,
  requestId: string,
  work: (call: C) => Promise<T>,
) => Promise<T>;

export interface LoggedCalls {
  readonly run: RunLogged<LoggedCall>;
}

/** `home` is the partition of entries about no patient. */
export function createLoggedCalls(deps: {
  readonly accessLog: AccessLog;
  readonly pairwise: Pairwise;
  readonly home: string;
}): LoggedCalls {
  const { accessLog, pairwise, home } = deps;
  return {
    async run(context, method, requestId, work) {
      assertLeavesEntry(method);
      const caller = context.values.get(callerKey);
      const subjects = new Map<string, { readonly patient: Subject; readonly consents: Consents }>();
      let committed = false;
      let shown: Partial<Shown> = {};
      let emergencyAccess = "";

      const entry = (patient: Subject | undefined, consents: Consents, denial?: string): AccessInit => ({
        ...entryOf(pairwise, {
          caller,
          method: `${method.parent.typeName}/${method.name}`,
          patient: patient?.id,
          outcome: denial === undefined ? "permitted" : "denied",
          reason: denial ?? "",
          consents: consents.map(({ id, version }) => ({ consent: id, version })),
          items: consents.length,
          requestId,
        }),
        ...shown,
        emergencyAccess,
      });
      const record = async (denial?: string): Promise<void> => {
        const about = subjects.size === 0 ? [{ patient: undefined, consents: [] }] : [...subjects.values()];
        await Promise.all(
          about.map(({ patient, consents }) => {
            const access = entry(patient, denial === undefined ? consents : [], denial);
            return accessLog.record(patient?.partition ?? home, patient !== undefined, access);
          }),
        );
      };
      const call: LoggedCall = {
        caller,
        showed(what) {
          shown = what;
        },
        about: (patient, consents = []) => void subjects.set(patient.partition, { patient, consents }),
        emergency(access) {
          emergencyAccess = access;
        },
        leaf: (patient, consents = []) =>
          accessLog.leaf(patient?.partition ?? home, patient !== undefined, entry(patient, consents)),
        committed() {
          committed = true;
          accessLog.notify();
        },
      };

      let answer: Awaited<ReturnType<typeof work>>;
      try {
        answer = await work(call);
      } catch (error) {
        const denied = isProblemCarrier(error) && outcomeOf(error.problem, "change") !== undefined;
        if (denied) await record(error.problem.reason);
        throw error;
      }
      if (!committed) await record();
      return answer;
    },
  };
}
