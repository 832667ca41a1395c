import type { DataQuestion, Sensitivity, Verdict } from "@wellapi/policy";
import type { Assurance, Principal, Unmet } from "@wellapi/rpc";
import type { Rates } from "../limits/limits.ts";

export type Rule =
  | "caller"
  | "role"
  | "scope"
  | "assurance"
  | "policy"
  | "limits"
  | "data_policy"
  | "consent";

export interface Step {
  readonly rule: Rule;
  readonly outcome: "permits" | "refuses" | "depends" | "not_asked";
  readonly reason?: string;
  readonly policies?: readonly string[];
  readonly explanation: string;
}

const contractRules = ["caller", "role", "scope", "assurance"] as const satisfies readonly Unmet[];
type ContractRule = (typeof contractRules)[number];

const reasons: Readonly<Record<ContractRule, string>> = {
  caller: "CALLER_NOT_PERMITTED",
  role: "ROLE_REQUIRED",
  scope: "SCOPE_REQUIRED",
  assurance: "ASSURANCE_REQUIRED",
};

/** What the contract asks, in the order in which the door asks it. `groups`: of the RPC's action. */
export function contractSteps(
  principal: Principal,
  groups: readonly string[],
  unmet: Unmet | undefined,
): readonly Step[] {
  const said = (prefix: string) =>
    groups.filter((group) => group.startsWith(prefix)).map((group) => group.slice(prefix.length));
  const anyone = groups.includes("by anyone");
  const withRoles = principal.kind === "member" || principal.kind === "operator";
  const needed = {
    caller:
      unmet === "representative"
        ? "the contract does not open it to who represents a patient who died"
        : `the contract opens it to ${listOf(said("by "))}`,
    role: `it needs one of the roles ${listOf(said("for "))}`,
    scope: `an access token needs one of the scopes ${listOf(said("scope "))}`,
    assurance: `a signed-in person needs ${said("needs ")[0] ?? "a code by e-mail"} or more`,
  };
  const asked = {
    caller: true,
    role: !anyone && withRoles,
    scope: !anyone && principal.scopes !== undefined,
    assurance: !anyone && principal.assurance !== undefined,
  };
  const refusing = unmet === "representative" ? "caller" : unmet;
  const last = refusing === undefined ? contractRules.length : contractRules.indexOf(refusing);
  return contractRules.slice(0, last + 1).map((rule): Step => {
    if (rule === refusing)
      return { rule, outcome: "refuses", reason: reasons[rule], explanation: needed[rule] };
    if (asked[rule]) return { rule, outcome: "permits", explanation: needed[rule] };
    return { rule, outcome: "not_asked", explanation: notAsked[rule] };
  });
}

const notAsked: Readonly<Record<ContractRule, string>> = {
  caller: "",
  role: "only members and staff have roles",
  scope: "the credential is not limited by scopes",
  assurance: "a program does not sign in",
};

/** `emergency`: of a read under emergency access, which asks for a confirmation where that is all that is missing. */
export function policyStep(rule: "policy" | "data_policy", verdict: Verdict, emergency = false): Step {
  if (verdict.permitted) {
    const { policies } = verdict;
    return {
      rule,
      outcome: "permits",
      policies,
      explanation: `permitted by ${listOf(policies)}; nothing forbids it`,
    };
  }
  const { policy, reason, liftedBy } = verdict;
  return {
    rule,
    outcome: "refuses",
    reason: emergency && liftedBy !== undefined ? "ASSURANCE_REQUIRED" : "POLICY_DENIED",
    policies: policy === undefined ? [] : [policy],
    explanation: liftedBy === undefined ? reason : `${reason} ${lifts[liftedBy]}`,
  };
}

const lifts: Readonly<Record<Assurance, string>> = {
  code: "Signing in lifts it.",
  passkey: "Signing in with a passkey or a second factor lifts it.",
  fresh: "Confirming with a passkey or a second factor lifts it, for five minutes.",
};

export function limitsStep({ kind }: Principal, rates: Rates): Step {
  const set = (rate: number, whose: string) =>
    `${rate === 0 ? "the default" : rate} units a second for ${whose}`;
  const budgets: Partial<Record<Principal["kind"], string>> = {
    application: [
      set(rates.organizationRate, "its organization"),
      set(rates.applicationRate, "it"),
      set(rates.credentialRate, "each credential"),
    ].join(", "),
    patient: set(rates.patientRate, "each patient"),
  };
  const spent = budgets[kind] ?? "the default for its network";
  return { rule: "limits", outcome: "depends", explanation: `RATE_LIMITED beyond ${spent}` };
}

/** The data that a call would move, as far as it is described. */
export interface DescribedData {
  readonly direction: "read" | "contribute";
  readonly code: string;
  readonly categories: readonly string[];
  readonly sensitivity: Sensitivity;
  /** Empty: not said. */
  readonly purpose: string;
  readonly region: string;
  readonly emergency: boolean;
}

/** Undefined where too little is described to decide about the data. */
export function questionOf(data: DescribedData): DataQuestion | undefined {
  if (data.code === "" || (data.direction === "read" && data.purpose === "")) return undefined;
  return data;
}

export const tooLittle: Step = {
  rule: "data_policy",
  outcome: "depends",
  explanation: "say the code of the data and, for reading, the purpose",
};

export function consentStep({ kind }: Principal, data: DescribedData): Step {
  if (kind === "patient") {
    return {
      rule: "consent",
      outcome: "not_asked",
      explanation: "patients read their own data without a consent",
    };
  }
  const { direction, code, categories, purpose, region, emergency } = data;
  const what = code === "" ? "the data" : `${code} (${listOf(categories)})`;
  const why = direction === "contribute" ? "" : `, for ${purpose || "the purpose"}, in ${region}`;
  const needed = `a consent of the patient in force must let the organization ${direction} ${what}${why}`;
  const explanation = emergency
    ? "emergency access takes the place of a consent, unless the patient has refused that, too"
    : `${needed}; only the patient sees it`;
  return { rule: "consent", outcome: "depends", explanation };
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
