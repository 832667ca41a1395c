import { isIP } from "node:net";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ExplainCallRequest,
  ExplainedStep_Outcome as Outcome,
  type PolicyService,
  ExplainedStep_Rule as Rule,
} from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { openPolicyEngine } from "@wellapi/policy";
import { type Caller, callerKey, unmetBy } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import { invalidField } from "../errors.ts";
import type { LimitRepository } from "../limits/limit-repository.ts";
import { subjectOf } from "./caller-policies.ts";
import { callersOfGroups, describedPrincipal } from "./callers-convert.ts";
import {
  consentStep,
  contractSteps,
  type DescribedData,
  limitsStep,
  policyStep,
  questionOf,
  type Step,
  tooLittle,
} from "./explanation.ts";
import { organizationOf } from "./policy-organization.ts";
import type { PolicyRepository } from "./policy-repository.ts";
import { findRpc } from "./rpc-name.ts";

export type ExplainCall = ServiceImpl<typeof PolicyService>["explainCall"];

export interface ExplainDeps {
  readonly policies: PolicyRepository;
  readonly limits: LimitRepository;
  readonly terminology: Pick<Terminology, "categoriesOf" | "sensitivityOf">;
  readonly clock: Clock;
  readonly region: string;
}

/** Goes through the rules in the order in which a real call meets them; nothing is called. */
export function createExplainCall({
  policies,
  limits,
  terminology,
  clock,
  region,
}: ExplainDeps): ExplainCall {
  return async (request, context) => {
    const engine = openPolicyEngine();
    const rpc = rpcOf(engine.actions.keys(), request.rpc);
    const groups = engine.actions.get(rpc)!;
    const principal = describedPrincipal(request, whose(context.values.get(callerKey), request));
    const { organization } = principal;
    const current = organization === undefined ? undefined : await policies.policies(organization);
    const unmet = unmetBy(callersOfGroups(groups), { principal, workload: "gateway", token: "" });
    const at = {
      time: request.time === undefined ? clock.now() : timestampMs(request.time),
      ...(request.address === "" ? {} : { address: request.address }),
    };
    const subject = subjectOf(principal)!;
    const steps: Step[] = [
      ...contractSteps(principal, groups, unmet),
      policyStep("policy", engine.decideCall(subject, rpc, at, current)),
      limitsStep(principal, await limits.rates(organization)),
    ];
    const data = dataOf(rpc, groups, request, terminology, region);
    if (data !== undefined) {
      const question = questionOf(data);
      steps.push(
        question === undefined
          ? tooLittle
          : policyStep("data_policy", engine.decideData(subject, question, current), data.emergency),
        consentStep(principal, data),
      );
    }
    return {
      rpc,
      permitted: steps.every(({ outcome }) => outcome !== "refuses"),
      steps: steps.map(({ rule, outcome, reason = "", policies: decided = [], explanation }) => ({
        rule: Rule[rule.toUpperCase() as keyof typeof Rule],
        outcome: Outcome[outcome.toUpperCase() as keyof typeof Outcome],
        reason,
        policies: [...decided],
        explanation,
      })),
    };
  };
}

/** Throws `invalid` with what was perhaps meant. */
function rpcOf(rpcs: Iterable<string>, asked: string): string {
  const found = findRpc(rpcs, asked);
  if ("rpc" in found) return found.rpc;
  const perhaps = found.near.length === 0 ? "" : `; perhaps ${found.near.join(", ")}`;
  throw invalidField("rpc", `there is no one public RPC of this name${perhaps}`);
}

/** The organization of the described caller. Members ask about their own people and applications only. */
function whose(caller: Caller, { kind, organization, address }: ExplainCallRequest): string {
  if (kind === CallerKind.ANYONE || kind === CallerKind.SERVICE) {
    throw invalidField("kind", "no policy is asked for callers without a credential, and none for services");
  }
  if (address !== "" && isIP(address) === 0) throw invalidField("address", "it is no IP address");
  const within = kind === CallerKind.APPLICATION || kind === CallerKind.MEMBER;
  if (within) return organizationOf(caller, organization);
  if (caller.principal.organization !== undefined) {
    throw invalidField("kind", "describe an application or a member of your organization");
  }
  return "";
}

/** What the call would move; undefined for one that moves no data by code. */
function dataOf(
  rpc: string,
  groups: readonly string[],
  { code, purpose, emergency }: ExplainCallRequest,
  terminology: ExplainDeps["terminology"],
  region: string,
): DescribedData | undefined {
  if (!groups.includes("health data") || /\/(Erase|GetErasure|Retract)/.test(rpc)) return undefined;
  return {
    direction: groups.includes("reads") ? "read" : "contribute",
    code,
    categories: terminology.categoriesOf(code),
    sensitivity: terminology.sensitivityOf(code),
    purpose: purpose === Purpose.UNSPECIFIED ? "" : Purpose[purpose].toLowerCase(),
    region,
    emergency,
  };
}
