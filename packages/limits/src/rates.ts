import type { BudgetedCall, CallerLimits } from "@wellapi/rpc";
import { addressGroup } from "./address-group.ts";

/** Budgets count in windows of this length. Short, so that nobody waits long; long, so that bursts pass. */
export const windowSeconds = 10;

export type BudgetName = keyof CallerLimits | "address";

/**
 * Units a second that apply where the installation sets nothing. No honest caller meets them: one core answers some hundred
 * small calls a second, so that an organization that reaches its rate has more than all of a machine. They stop what is
 * denied or refused again and again (weights.ts); how the machine is shared below them is the fair queue's business.
 */
export const defaultRates: Readonly<Record<BudgetName, number>> = {
  organization: 50_000,
  application: 50_000,
  credential: 50_000,
  patient: 5_000,
  address: 1_000,
};

/** One budget that a call draws on. */
export interface Draw {
  readonly name: BudgetName;
  readonly key: string;
  /** Units a window. */
  readonly quota: number;
}

/** The budgets that the call draws on. Empty for an anonymous caller whose address is not known. */
export function drawsOf({ caller, address }: BudgetedCall, addressRate: number): readonly Draw[] {
  const { principal, limits = {} } = caller;
  const draw = (name: keyof CallerLimits, id: string | undefined): readonly Draw[] =>
    id === undefined
      ? []
      : [{ name, key: `${name} ${id}`, quota: quotaOf(limits[name] ?? defaultRates[name]) }];
  switch (principal.kind) {
    case "application":
      return [
        ...draw("organization", principal.organization),
        ...draw("application", principal.id),
        ...draw("credential", principal.credential),
      ];
    case "member":
      return [...draw("organization", principal.organization), ...draw("credential", principal.id)];
    case "patient":
      return draw("patient", principal.id);
    case "person":
    case "operator":
    case "service":
      return draw("credential", principal.credential ?? principal.id);
    case "anonymous":
      return addressDraws(address, addressRate);
  }
}

/** The budget of an address, for callers without a valid credential. */
export function addressDraws(address: string | undefined, rate: number): readonly Draw[] {
  const group = address === undefined ? undefined : addressGroup(address);
  return group === undefined ? [] : [{ name: "address", key: `address ${group}`, quota: quotaOf(rate) }];
}

function quotaOf(rate: number): number {
  return rate * windowSeconds;
}
