import type { DamageReporter } from "@wellapi/runtime";
import type { Terminology } from "@wellapi/terminology";
import type { Pairwise } from "@wellapi/vault";
import type { Intent } from "../gate/intent.ts";
import type { Subject } from "../gate/subject.ts";
import type { HoldingLimits } from "../write/holdings.ts";
import type { ItemViolation } from "../write/judgement.ts";
import type { OrganizationTotals } from "../write/organization-totals.ts";
import type { WriteDeps } from "../write/write-deps.ts";
import type { SentBatch, SentItem, SentWrite } from "./sent-batch.ts";
import { type TakenResource, takeResource } from "./taken-resource.ts";

export interface ClinicalWriteDeps extends WriteDeps {
  readonly pairwise: Pairwise;
  readonly terminology: Terminology;
  readonly holdings: Pick<HoldingLimits, "bytes">;
  readonly totals: Pick<OrganizationTotals, "problemOf" | "add">;
  readonly damage: DamageReporter;
}

/** An item whose own content was judged. */
export interface PreparedItem {
  readonly write: SentWrite;
  readonly violations: readonly ItemViolation[];
  /** Of a creation or an update without violations. */
  readonly taken: TakenResource | undefined;
}

/** A batch whose items were judged by themselves; each attempt judges it against what is stored and consented. */
export interface Prepared {
  readonly intent: Intent;
  readonly subject: Subject;
  readonly organization: string;
  readonly batch: SentBatch;
  readonly items: readonly PreparedItem[];
  /** Whether the one item is the whole call: its rejection is the call's. */
  readonly single: boolean;
}

/** Judges what an item itself says. `party`: whose ids it holds. `patient`: internal id. */
export function prepareItem(
  deps: Pick<ClinicalWriteDeps, "pairwise" | "terminology">,
  { write, violations }: SentItem,
  party: string,
  patient: string,
): PreparedItem {
  if (violations.length > 0 || write.kind === "delete") return { write, violations, taken: undefined };
  const taking = takeResource(deps, write.resource, party, patient);
  if ("violations" in taking) return { write, violations: taking.violations, taken: undefined };
  return { write, violations: [], taken: taking.taken };
}
