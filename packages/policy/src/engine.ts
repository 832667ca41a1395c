import { actionsIn, authorize, keepPolicies, keepSchema, type Request } from "./cedar.ts";
import { type DefaultPolicy, loadDefaults, schema } from "./default-policies.ts";
import { callRequest, dataRequest } from "./request.ts";
import {
  type Assurance,
  assurances,
  type CallContext,
  type DataQuestion,
  type Denial,
  type Restriction,
  type Restrictions,
  type Subject,
  type Verdict,
} from "./vocabulary.ts";

/** Decides by the default policies and an organization's restrictions. A `forbid` of either wins. */
export interface PolicyEngine {
  /** Every RPC that policies know, with the groups that it is in. */
  readonly actions: ReadonlyMap<string, readonly string[]>;
  /** The policies that come with the software. */
  readonly defaults: readonly DefaultPolicy[];
  /** Whether the subject may call the RPC. Throws PolicyError `invalid_request` for what the schema does not know. */
  decideCall(subject: Subject, rpc: string, context: CallContext, restrictions?: Restrictions): Verdict;
  /** Whether the subject may move the data. The patient's consent decides besides. Throws as `decideCall`. */
  decideData(subject: Subject, question: DataQuestion, restrictions?: Restrictions): Verdict;
}

const schemaName = "schema";
const defaultsName = "defaults";
/** Organizations whose parsed restrictions are kept. The library keeps by name and forgets nothing, so names come again. */
const mostKept = 256;

/** Parses the default policies, once for a process. @throws PolicyError `invalid_policies` */
export function openPolicyEngine(): PolicyEngine {
  opened ??= createPolicyEngine(loadDefaults());
  return opened;
}

let opened: PolicyEngine | undefined;

function createPolicyEngine(defaults: readonly DefaultPolicy[]): PolicyEngine {
  keepSchema(schemaName, schema);
  const texts = textsOf(defaults);
  keepPolicies(defaultsName, texts);
  const known = new Map(defaults.map((policy, order) => [policy.id, { ...policy, order }]));
  const actions = new Map([...actionsIn(schema)].filter(([name]) => name.includes("/")));
  const setOf = createPolicySets(texts);

  function verdict(request: Request, restrictions: Restrictions | undefined): Verdict {
    const policies = restrictions === undefined ? [] : restrictions.policies;
    const set = policies.length === 0 ? defaultsName : setOf(restrictions!);
    const answer = authorize(schemaName, set, request);
    const describe = (id: string) => known.get(id) ?? ofRestriction(policies, id);
    // A policy that fails is skipped by the library, and it might have been a forbid.
    const [failed] = answer.failed;
    if (failed !== undefined) {
      const reason = "A policy could not be evaluated, so nothing is permitted.";
      return { permitted: false, policy: failed, reason, mirrored: false };
    }
    const decided = answer.policies
      .map((id) => ({ id, ...describe(id) }))
      .sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
    if (answer.permitted) return { permitted: true, policies: decided.map(({ id }) => id) };
    // One that the door's table does not mirror says more.
    const first = decided.find(({ mirrored }) => !mirrored) ?? decided[0];
    return first === undefined ? nothingPermits : denialOf(first);
  }

  return {
    actions,
    defaults,
    decideCall: (subject, rpc, context, restrictions) =>
      verdict(callRequest(subject, rpc, context), restrictions),
    decideData(subject, question, restrictions) {
      const decide = (by: Subject) => verdict(dataRequest(by, question), restrictions);
      const decided = decide(subject);
      if (decided.permitted) return decided;
      const liftedBy = strongerThan(subject).find((assurance) => decide({ ...subject, assurance }).permitted);
      return liftedBy === undefined ? decided : { ...decided, liftedBy };
    },
  };
}

/** The sign-ins that a person could confirm with, the weakest first; none for programs. */
function strongerThan({ assurance }: Subject): readonly Assurance[] {
  return assurance === undefined ? [] : assurances.slice(assurances.indexOf(assurance) + 1);
}

const nothingPermits: Denial = {
  permitted: false,
  reason: "No policy permits this call for this caller.",
  mirrored: true,
};

function denialOf({ id, reason, mirrored }: { id: string; reason: string; mirrored: boolean }): Denial {
  return { permitted: false, policy: id, reason, mirrored };
}

function ofRestriction(policies: readonly Restriction[], id: string) {
  const { reason } = policies.find((policy) => policy.id === id) ?? { reason: "" };
  return { reason, mirrored: false, order: Number.MAX_SAFE_INTEGER };
}

/** Names of parsed sets: the defaults with an organization's restrictions, parsed again where these are others. */
function createPolicySets(defaults: Readonly<Record<string, string>>) {
  const kept = new Map<string, { readonly name: string; readonly policies: readonly Restriction[] }>();
  let named = 0;
  return ({ organization, policies }: Restrictions): string => {
    const found = kept.get(organization);
    kept.delete(organization);
    if (found !== undefined && sameTexts(found.policies, policies)) {
      kept.set(organization, found);
      return found.name;
    }
    let name = found?.name;
    const [oldest] = kept;
    if (name === undefined && oldest !== undefined && kept.size >= mostKept) {
      name = oldest[1].name;
      kept.delete(oldest[0]);
    }
    name ??= `restrictions-${named++}`;
    keepPolicies(name, { ...defaults, ...textsOf(policies) });
    kept.set(organization, { name, policies });
    return name;
  };
}

/** Not by their version alone: a store that was restored counts again. */
function sameTexts(a: readonly Restriction[], b: readonly Restriction[]): boolean {
  return (
    a === b || (a.length === b.length && a.every(({ id, text }, i) => id === b[i]!.id && text === b[i]!.text))
  );
}

function textsOf(policies: readonly { readonly id: string; readonly text: string }[]) {
  return Object.fromEntries(policies.map(({ id, text }) => [id, text]));
}
