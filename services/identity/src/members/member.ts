import { createHash } from "node:crypto";
import type { Role } from "@wellapi/rpc";

/** The members of an organization, by its id, or the installation's own staff. */
export type Body = string;

/** The body of the installation's staff. No organization has such an id. */
export const STAFF: Body = "staff";

export const memberRoles = ["owner", "administrator", "developer", "clinician", "auditor"] as const;
export const staffRoles = ["operator", "privacy_officer", "staff_auditor", "support"] as const;

/** The roles that somebody of the body may have, in the order in which they are stored and shown. */
export function rolesOf(body: Body): readonly Role[] {
  return body === STAFF ? staffRoles : memberRoles;
}

/** The role that somebody of a body that has had it must always have: nobody else could give it back. */
export function keeperRole(body: Body): Role {
  return body === STAFF ? "operator" : "owner";
}

/** An account with roles in a body. Times are UTC milliseconds. */
export interface Member {
  readonly body: Body;
  /** `usr_...` */
  readonly account: string;
  /** Not empty, in the order of `rolesOf`. */
  readonly roles: readonly Role[];
  /** The address that the invitation went to; personal. Absent for an account that followed a link without one. */
  readonly email?: string | undefined;
  readonly createTime: number;
  readonly updateTime: number;
  /** How often the roles changed, also before an earlier end: the journal's order, which a restore must not undo. */
  readonly version: number;
}

/** The roles in their order, each once. */
export function inOrder(body: Body, roles: Iterable<Role>): readonly Role[] {
  const asked = new Set(roles);
  return rolesOf(body).filter((role) => asked.has(role));
}

/** Names one version (AIP-154). Opaque to callers. */
export function etagOf({ body, account, version }: Member): string {
  const content = JSON.stringify(["member", body, account, version]);
  return createHash("sha256").update(content).digest("base64url").slice(0, 24);
}

/**
 * The first of these roles that somebody with `own` roles may not give or take: an administrator makes no owner, and none an
 * administrator who is not one. Undefined where all may be.
 */
export function beyond(own: readonly Role[], roles: readonly Role[]): Role | undefined {
  if (own.includes("owner") || own.includes("operator")) return undefined;
  const given: readonly Role[] = own.includes("administrator")
    ? ["administrator", "developer", "clinician", "auditor"]
    : [];
  return roles.find((role) => !given.includes(role));
}
