import { type Dependencies, dependenciesOf } from "./dependencies.ts";
import type { PolicyEngine } from "./engine.ts";
import type { CallContext, Denial, Restrictions, Subject } from "./vocabulary.ts";

/** The RPCs that a `forbid` keeps from a caller, beyond what the door's table of callers refuses by itself. */
export type DeniedCalls = ReadonlyMap<string, Denial>;

export interface CallPolicies {
  /** At most a few milliseconds for callers of a new sort, then a look-up. */
  deniedCalls(subject: Subject, context: CallContext, restrictions?: Restrictions): DeniedCalls;
}

/** Sorts of callers whose answers are kept. */
const mostKept = 10_000;

/**
 * Decides all RPCs of a caller at once, when its internal token is made. RPCs in the same groups are decided once for all,
 * unless a restriction names one of them. What the decision depends on is its key: without restrictions the sort of the caller.
 */
export function createCallPolicies(engine: PolicyEngine): CallPolicies {
  const kept = new Map<string, DeniedCalls>();
  const dependOn = createDependencies();
  const named = dependenciesOf(engine.defaults.map(({ text }) => text)).names;

  function decide(
    subject: Subject,
    context: CallContext,
    restrictions: Restrictions | undefined,
  ): DeniedCalls {
    const { names } = dependOn(restrictions);
    const classes = new Map<string, readonly string[]>();
    for (const [rpc, groups] of engine.actions) {
      // What the contract opens to nobody of this kind, the door refuses by itself.
      if (!groups.includes(`by ${subject.kind}`) && !groups.includes("by anyone")) continue;
      const alike = names.has(rpc) || named.has(rpc) ? rpc : groups.join("\n");
      classes.set(alike, [...(classes.get(alike) ?? []), rpc]);
    }
    const denied = new Map<string, Denial>();
    for (const alike of classes.values()) {
      const verdict = engine.decideCall(subject, alike[0]!, context, restrictions);
      if (verdict.permitted || verdict.mirrored) continue;
      for (const rpc of alike) denied.set(rpc, verdict);
    }
    return denied;
  }

  return {
    deniedCalls(subject, context, given) {
      const restrictions = given === undefined || given.policies.length === 0 ? undefined : given;
      const key = keyOf(subject, context, restrictions, dependOn(restrictions));
      const known = key === undefined ? undefined : kept.get(key);
      if (known !== undefined) return known;
      const denied = decide(subject, context, restrictions);
      if (key === undefined) return denied;
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
      kept.set(key, denied);
      return denied;
    },
  };
}

const none: Dependencies = { names: new Set(), onTime: false, onAddress: false, attributes: new Set() };

/** Undefined for what the passing of time may change. */
function keyOf(
  { kind, id, roles, assurance, actor }: Subject,
  { address }: CallContext,
  restrictions: Restrictions | undefined,
  { onTime, onAddress }: Dependencies,
): string | undefined {
  if (onTime) return undefined;
  const sort = [kind, assurance, actor, ...(roles ?? [])];
  if (restrictions === undefined) return JSON.stringify(sort);
  const { organization, version } = restrictions;
  return JSON.stringify([organization, version, id, onAddress ? address : "", ...sort]);
}

/** By restrictions, which are immutable. */
function createDependencies() {
  const known = new WeakMap<Restrictions, Dependencies>();
  return (restrictions: Restrictions | undefined): Dependencies => {
    if (restrictions === undefined) return none;
    const found = known.get(restrictions) ?? dependenciesOf(restrictions.policies.map(({ text }) => text));
    known.set(restrictions, found);
    return found;
  };
}
