import { callSort, dataSort, loadCompiled } from "./compiled.ts";
import { type CallPolicies, createCallPolicies, type DeniedCalls } from "./denied-calls.ts";
import { openPolicyEngine } from "./engine.ts";
import type { DataQuestion, Denial, Restrictions, Subject, Verdict } from "./vocabulary.ts";

export interface DataPolicies {
  decideData(subject: Subject, question: DataQuestion, restrictions?: Restrictions): Verdict;
}

const none: DeniedCalls = new Map();

/** Decides calls by what was worked out before, and by the engine where an organization has restrictions. */
export function openCallPolicies(): CallPolicies {
  const byDefault = new Map(
    Object.entries(loadCompiled().calls).map(([sort, denied]) => [sort, new Map(Object.entries(denied))]),
  );
  let engine: CallPolicies | undefined;
  return {
    deniedCalls(subject, context, restrictions) {
      const sort = restrictions?.policies.length ? undefined : callSort(subject);
      if (sort !== undefined) return byDefault.get(sort) ?? none;
      engine ??= createCallPolicies(openPolicyEngine());
      return engine.deniedCalls(subject, context, restrictions);
    },
  };
}

/** As `openCallPolicies`, about data. */
export function openDataPolicies(): DataPolicies {
  const byDefault: ReadonlyMap<string, Denial> = new Map(Object.entries(loadCompiled().data));
  return {
    decideData(subject, question, restrictions) {
      const sort = restrictions?.policies.length ? undefined : dataSort(subject, question);
      if (sort === undefined) return openPolicyEngine().decideData(subject, question, restrictions);
      return byDefault.get(sort) ?? permitted;
    },
  };
}

const permitted: Verdict = { permitted: true, policies: ["data-applications"] };
