import type { Contribution } from "../gate/contribution.ts";
import { coversTimes } from "../model/interval.ts";

/** One invalid field. */
export interface ItemViolation {
  readonly field: string;
  readonly description: string;
  readonly reason: string;
}

/** An item of a batch, as the judgement needs it. */
export interface JudgedItem {
  /** LOINC code as sent; it need not exist. */
  readonly code: string;
  /** Path of the item, e.g. `series[2]`. */
  readonly field: string;
  /** Ascending UTC milliseconds of its samples; empty where the item is rejected. */
  readonly times: ArrayLike<number>;
  /** Ingestion's violations; empty for a good item. */
  readonly violations: readonly ItemViolation[];
}

/** The result of an earlier batch with the same request id. */
export interface EarlierBatch {
  /** Positions that were accepted. */
  readonly accepted: ReadonlySet<number>;
  readonly retracted: boolean;
}

export type Judgement =
  | { readonly status: "accepted" }
  | { readonly status: "duplicate" }
  | { readonly status: "retracted" }
  | { readonly status: "rejected"; readonly violations: readonly ItemViolation[] };

/**
 * The idempotency rule: an accepted item is final, a rejected item is judged again, and a bad item never affects its
 * neighbours. A retracted batch accepts nothing more, and its answer says that its stored items are gone.
 */
export function judge(
  items: readonly JudgedItem[],
  contributions: ReadonlyMap<string, Contribution>,
  earlier: EarlierBatch | undefined,
): Judgement[] {
  return items.map((item, index): Judgement => {
    if (earlier?.accepted.has(index)) return { status: earlier.retracted ? "retracted" : "duplicate" };
    if (item.violations.length > 0) return { status: "rejected", violations: item.violations };
    const contribution = contributions.get(item.code);
    if (contribution === undefined || !contribution.permitted) {
      return rejected(
        `${item.field}.code`,
        contribution?.reason ?? "CONSENT_REQUIRED",
        lackText(contribution?.reason),
      );
    }
    if (!coversTimes(contribution.windows, item.times)) {
      return rejected(
        item.field,
        "CONSENT_WINDOW",
        "lies outside the window that the patient's consent names: send only what was captured within it",
      );
    }
    if (earlier?.retracted) {
      return rejected(
        item.field,
        "BATCH_RETRACTED",
        "its batch was taken back: send it under a new request_id",
      );
    }
    return accepted;
  });
}

const accepted: Judgement = { status: "accepted" };

function lackText(reason: string | undefined): string {
  if (reason === "POLICY_DENIED") {
    return "a policy forbids you to contribute this code: leave the item out; ExplainCall says which policy";
  }
  if (reason === "RECORD_FROZEN") return "the patient's record is frozen: nothing is added to it";
  return "the patient's consent does not cover this code: ask the patient for it, or leave the item out";
}

function rejected(field: string, reason: string, description: string): Judgement {
  return { status: "rejected", violations: [{ field, reason, description }] };
}
