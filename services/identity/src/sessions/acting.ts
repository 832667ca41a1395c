import type { Role } from "@wellapi/rpc";

/**
 * What accounts may act as, besides their own patient. The parts that own it answer; each exchange of a session asks, so
 * that what ends holds no longer.
 */
export interface ActingLookups {
  /** Undefined unless the account is a member now, of an organization that is in force. */
  findMembership(
    account: string,
    organization: string,
  ): Promise<{ readonly roles: readonly Role[] } | undefined>;
  memberships(account: string): Promise<readonly Membership[]>;
  /** Empty: not of the installation's staff. */
  staffRoles(account: string): Promise<readonly Role[]>;
  /** In a patient's name, by the patient's partition; undefined unless it may now. */
  findDelegation(account: string, partition: string): Promise<ActingFor | undefined>;
  delegations(account: string): Promise<readonly Delegation[]>;
}

export interface Membership {
  readonly organization: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
}

export const delegationKinds = ["carer", "guardian", "representative"] as const;
export type DelegationKind = (typeof delegationKinds)[number];

/** Whether an actor of this kind acts by a delegation. */
export function isDelegationKind(kind: string | undefined): kind is DelegationKind {
  return delegationKinds.some((one) => one === kind);
}

/** In which role somebody acts for a patient, and the categories of data that are not for them. */
export interface ActingFor {
  readonly kind: DelegationKind;
  readonly hides?: readonly string[];
}

export interface Delegation {
  /** Internal id. */
  readonly id: string;
  readonly displayName: string;
  readonly kind: DelegationKind;
}
