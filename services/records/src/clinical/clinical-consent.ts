import type { CodeContribution, Contributions } from "../gate/contribution.ts";
import { isWithin, recordsWithin } from "../gate/token-scope.ts";
import type { ClinicalWriteDeps, Prepared, PreparedItem } from "./prepared-batch.ts";

/** What the sender may contribute of a batch. */
export interface ReachedContributions {
  /** By key. Without an item that contributes: of none. */
  readonly contributions: Contributions;
  /** Whether the batch contributes anything: a deletion needs no consent. */
  readonly asked: boolean;
  /** Whether the scopes of the sender's token reach an item. */
  readonly reaches: (item: PreparedItem) => boolean;
}

/** Decides now by consents, policies and the token's scopes. */
export async function decideContributions(
  deps: ClinicalWriteDeps,
  { intent, subject, organization, items }: Prepared,
): Promise<ReachedContributions> {
  const { gate } = deps;
  const reaches = (item: PreparedItem) => isReached(deps, intent.caller.principal, item);
  const contributing = items.filter(({ write }) => write.kind !== "delete");
  if (contributing.length === 0) return { contributions: new Map(), asked: false, reaches };
  const all = keysOf(contributing);
  const within = keysOf(contributing.filter(reaches));
  const left = await gate.policy.contributable(intent.caller, within);
  // Without a good item no key shows whether there is a consent at all.
  const decided = await gate.contributions(subject, organization, all.length === 0 ? [""] : left);
  const contributions = new Map<string, CodeContribution>([
    ...all.map((key) => [key, beyond("SCOPE_REQUIRED")] as const),
    ...within.map((key) => [key, beyond("POLICY_DENIED")] as const),
    ...decided,
  ]);
  return { contributions, asked: true, reaches };
}

function keysOf(items: readonly PreparedItem[]): string[] {
  return [...new Set(items.flatMap(({ taken }) => taken?.keys ?? []))];
}

function beyond(reason: string): CodeContribution {
  return { permitted: false, scope: "none", reason, permits: [] };
}

function isReached(
  { terminology }: Pick<ClinicalWriteDeps, "terminology">,
  principal: Prepared["intent"]["caller"]["principal"],
  { write, taken }: PreparedItem,
): boolean {
  if (principal.scopes === undefined || taken === undefined) return true;
  const permission = write.kind === "create" ? "c" : "u";
  const within = recordsWithin(terminology, principal, taken.resource.resourceType, permission);
  return taken.keys.every((key) => isWithin(within, key));
}

/** Whether a token may delete a record of a type. */
export function mayDelete(
  { terminology }: Pick<ClinicalWriteDeps, "terminology">,
  { intent }: Prepared,
  { type, keys }: { readonly type: string; readonly keys: readonly string[] },
): boolean {
  const within = recordsWithin(terminology, intent.caller.principal, type, "d");
  return keys.every((key) => isWithin(within, key));
}
