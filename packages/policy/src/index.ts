export { compileDefaults } from "./compile.ts";
export { checkDefaults, type DefaultPolicy, loadDefaults } from "./default-policies.ts";
export { type CallPolicies, createCallPolicies, type DeniedCalls } from "./denied-calls.ts";
export { openPolicyEngine, type PolicyEngine } from "./engine.ts";
export { PolicyError, type PolicyErrorCode } from "./errors.ts";
export { type DataPolicies, openCallPolicies, openDataPolicies } from "./open-policies.ts";
export { checkRestriction, type RestrictionMistake } from "./restriction.ts";
export {
  type Assurance,
  type CallContext,
  type DataQuestion,
  type Denial,
  type Restriction,
  type Restrictions,
  type Sensitivity,
  type Subject,
  sensitivities,
  type Verdict,
} from "./vocabulary.ts";
