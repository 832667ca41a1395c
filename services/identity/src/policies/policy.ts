import { createHash } from "node:crypto";
import type { Restriction } from "@wellapi/policy";

/** What an organization forbids its own people and applications. */
export interface Policy extends Restriction {
  /** UTC milliseconds. */
  readonly createTime: number;
}

/** A policy with the request that made it. */
export interface StoredPolicy extends Policy {
  readonly creator: string;
  readonly requestId: string;
}

/** All policies of an organization, in the order in which they were made. */
export interface OrganizationPolicies {
  readonly organization: string;
  /** Greater after each change; 0: there never was a policy. */
  readonly version: number;
  readonly policies: readonly StoredPolicy[];
}

/** They are parsed together, and read at each exchange of a credential that is not remembered. */
export const mostPolicies = 20;

export function noPolicies(organization: string): OrganizationPolicies {
  return { organization, version: 0, policies: [] };
}

export function withPolicy(current: OrganizationPolicies, policy: StoredPolicy): OrganizationPolicies {
  return { ...current, version: current.version + 1, policies: [...current.policies, policy] };
}

/** The same object where there is no such policy. */
export function withoutPolicy(current: OrganizationPolicies, id: string): OrganizationPolicies {
  const policies = current.policies.filter((one) => one.id !== id);
  return policies.length === current.policies.length
    ? current
    : { ...current, version: current.version + 1, policies };
}

/** Compares what a repeated request asks for. */
export function contentOf({ text, reason }: Pick<Policy, "text" | "reason">): string {
  return createHash("sha256")
    .update(JSON.stringify([text, reason]))
    .digest("hex");
}
