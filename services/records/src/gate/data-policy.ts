import {
  type DataPolicies,
  openDataPolicies,
  type Restrictions,
  type Subject,
  type Verdict,
} from "@wellapi/policy";
import type { Caller, Principal } from "@wellapi/rpc";
import { createBoundedCache } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import { RecordsError } from "../errors.ts";
import { purposeNames } from "../model/purpose.ts";
import type { Restricting } from "./restrictions-client.ts";

/** Attribute policies about data: those of the exchange, and what the caller's organization forbids its own callers. */
export interface DataPolicy {
  /**
   * Throws RecordsError POLICY_DENIED. Without waiting where the organization's restrictions are known in the version that the
   * caller's token names. `emergency`: under emergency access, without a consent; throws ASSURANCE_REQUIRED, too, where the same
   * person is permitted it by a stronger sign-in.
   */
  checkRead(caller: Caller, code: string, purpose: number, emergency?: boolean): Promise<void> | undefined;
  /** The codes that the caller may contribute by policy. */
  contributable(caller: Caller, codes: readonly string[]): Promise<readonly string[]>;
}

export interface DataPolicyDeps {
  readonly restricting: Restricting;
  readonly terminology: Pick<Terminology, "categoriesOf" | "sensitivityOf">;
  /** Where this installation receives data. */
  readonly region: string;
  readonly policies?: DataPolicies;
}

/** Sorts of callers, each with the questions that it asked. */
const sorts = 10_000;
const questions = 1_000;

export function createDataPolicy(deps: DataPolicyDeps): DataPolicy {
  const { restricting, terminology, region, policies = openDataPolicies() } = deps;
  const known = createBoundedCache<Map<string, Verdict>>({ name: "data-policies", capacity: sorts });

  function decide(
    principal: Principal,
    restrictions: Restrictions | undefined,
    direction: "read" | "contribute",
    code: string,
    purpose: number,
    emergency: boolean,
  ): Verdict {
    const sort = sortOf(principal, restrictions);
    const found = known.get(sort);
    const asked = found === undefined || found.size >= questions ? new Map<string, Verdict>() : found;
    if (asked !== found) known.set(sort, asked);
    const question = `${direction} ${purpose}${emergency ? " emergency" : ""} ${code}`;
    const before = asked.get(question);
    if (before !== undefined) return before;
    const verdict = policies.decideData(
      subjectOf(principal),
      {
        direction,
        code,
        categories: terminology.categoriesOf(code),
        sensitivity: terminology.sensitivityOf(code),
        region,
        ...(direction === "read" ? { purpose: purposeNames.get(purpose) ?? "", emergency } : {}),
      },
      restrictions,
    );
    asked.set(question, verdict);
    return verdict;
  }

  return {
    checkRead({ principal }, code, purpose, emergency = false) {
      const restrictions = restricting.known(principal);
      if (restrictions === "unknown") {
        return restricting
          .find(principal)
          .then((found) => assert(decide(principal, found, "read", code, purpose, emergency), emergency));
      }
      assert(decide(principal, restrictions, "read", code, purpose, emergency), emergency);
      return undefined;
    },
    async contributable({ principal }, codes) {
      const restrictions = await restricting.find(principal);
      return codes.filter((code) => decide(principal, restrictions, "contribute", code, 0, false).permitted);
    },
  };
}

/** A read of several codes leaves out what policies forbid; what only lacks a confirmation in an emergency it must not leave out. */
function assert(verdict: Verdict, emergency: boolean): void {
  if (verdict.permitted) return;
  const { policy, reason, liftedBy } = verdict;
  const confirm = emergency && liftedBy !== undefined;
  throw new RecordsError(confirm ? "ASSURANCE_REQUIRED" : "POLICY_DENIED", {
    ...(policy === undefined ? {} : { detail: `The policy ${policy} says: ${reason}` }),
  });
}

/** What a decision depends on besides the question. A restriction may name one application or account. */
function sortOf(principal: Principal, restrictions: Restrictions | undefined): string {
  const { kind, id, organization, roles, assurance, actor } = principal;
  const sort = `${kind} ${assurance ?? ""} ${actor?.kind ?? ""} ${roles?.join() ?? ""}`;
  return restrictions === undefined ? sort : `${sort} ${organization} ${restrictions.version} ${id}`;
}

function subjectOf({ kind, id, organization, roles, assurance, actor }: Principal): Subject {
  // Records serves no service and nobody without a credential here: their kind permits nothing.
  return {
    kind: kind as Subject["kind"],
    id,
    ...(organization === undefined ? {} : { organization }),
    ...(roles === undefined ? {} : { roles }),
    ...(assurance === undefined ? {} : { assurance }),
    ...(actor === undefined ? {} : { actor: actor.kind }),
  };
}
