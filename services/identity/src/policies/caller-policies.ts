import { type DeniedCalls, openCallPolicies, type Subject } from "@wellapi/policy";
import type { Principal } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { PolicyRepository } from "./policy-repository.ts";

/** What policies say of a caller when its internal token is made. */
export interface CallerJudgement {
  readonly denied: DeniedCalls;
  /** The version of its organization's restrictions, for who decides about data. Undefined: there is none. */
  readonly version?: number;
}

export interface CallerPolicies {
  judge(principal: Principal, address: string): Promise<CallerJudgement>;
}

const nothing: CallerJudgement = { denied: new Map() };

export function createCallerPolicies({
  policies,
  clock,
}: {
  readonly policies: PolicyRepository;
  readonly clock: Clock;
}): CallerPolicies {
  const calls = openCallPolicies();
  return {
    async judge(principal, address) {
      const subject = subjectOf(principal);
      if (subject === undefined) return nothing;
      const { organization } = subject;
      const restrictions = organization === undefined ? undefined : await policies.restrictions(organization);
      const context = { time: clock.now(), ...(address === "" ? {} : { address }) };
      const denied = calls.deniedCalls(subject, context, restrictions);
      return restrictions === undefined ? { denied } : { denied, version: restrictions.version };
    },
  };
}

/** The part of a principal that policies see; undefined for services, and for callers without a credential. */
export function subjectOf(principal: Principal): Subject | undefined {
  const { kind, id, organization, roles, assurance, actor } = principal;
  if (kind === "service" || kind === "anonymous") return undefined;
  return {
    kind,
    id,
    ...(organization === undefined ? {} : { organization }),
    ...(roles === undefined ? {} : { roles }),
    ...(assurance === undefined ? {} : { assurance }),
    ...(actor === undefined ? {} : { actor: actor.kind }),
  };
}
