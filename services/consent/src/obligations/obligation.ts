import type { Author, Consent } from "../consent.ts";

/** What an organization received of a category under a consent, by the log. Times are UTC milliseconds. */
export interface Received {
  /** Empty: entries name no code, or one that is in no category. */
  readonly category: string;
  readonly reads: number;
  readonly values: number;
  /** Reads whose entries do not say how many values of the category were sent. */
  readonly unknownAmountReads: number;
  readonly firstTime: number;
  readonly lastTime: number;
}

export const keepReasons = [
  "legal_obligation",
  "public_health",
  "research",
  "legal_claims",
  "other_consent",
] as const;
export type KeepReason = (typeof keepReasons)[number];

/** What an organization says that it did. */
export type Said =
  | { readonly kind: "deleted"; readonly statement: string }
  | {
      readonly kind: "kept";
      readonly reason: KeepReason;
      readonly citation: string;
      readonly keepUntil?: number;
    };

export type Answer = Said & {
  readonly time: number;
  readonly by: Author;
  /** The entry of the log. */
  readonly access: string;
  readonly requestId: string;
  readonly requestDigest: string;
};

/** That an organization deletes what it received under a consent that has ended. */
export interface DeletionObligation {
  readonly id: string;
  readonly organization: string;
  readonly consent: string;
  /** Categories that a version of the consent named. */
  readonly named: readonly string[];
  readonly endTime: number;
  /** By category. Never empty: who received nothing has no obligation. */
  readonly received: readonly Received[];
  readonly createTime: number;
  readonly dueTime: number;
  /** Oldest first; the last one counts. */
  readonly answers: readonly Answer[];
}

export const obligationStates = ["open", "deleted", "kept", "overdue"] as const;
export type ObligationState = (typeof obligationStates)[number];

/** An organization that keeps data may say so again, with another reason or date. */
export const mostAnswers = 20;

export function stateOf({ answers, dueTime }: DeletionObligation, now: number): ObligationState {
  return answers.at(-1)?.kind ?? (now < dueTime ? "open" : "overdue");
}

/** One for each consent, also where it is made again after a restore. */
export function obligationIdOf(consent: string): string {
  return `dob_${consent.slice(consent.indexOf("_") + 1)}`;
}

/** When a consent has ended or will end by itself, as it stands; undefined: never. */
export function endTimeOf({ revokeTime, terms }: Consent): number | undefined {
  return revokeTime ?? terms.validity.end;
}

/**
 * Whether it is about care to which the patient, a minor, may consent alone, or may be: whoever acts in the patient's name does not learn
 * that there is such an obligation. Entries that name no category may be about such care.
 */
export function isHidden(
  { named, received }: Pick<DeletionObligation, "named" | "received">,
  hides: readonly string[] | undefined,
): boolean {
  if (hides === undefined) return false;
  const categories = [...named, ...received.map(({ category }) => category)];
  return categories.some((one) => one === "" || hides.includes(one));
}

/** What is received of which there is something to delete, by category: of parts of a period its whole. */
export function receivedIn(parts: readonly (readonly Received[])[]): readonly Received[] {
  const byCategory = Map.groupBy(parts.flat(), ({ category }) => category);
  return [...byCategory]
    .map(([category, all]) => ({
      category,
      reads: sum(all.map(({ reads }) => reads)),
      values: sum(all.map(({ values }) => values)),
      unknownAmountReads: sum(all.map(({ unknownAmountReads }) => unknownAmountReads)),
      firstTime: Math.min(...all.map(({ firstTime }) => firstTime)),
      lastTime: Math.max(...all.map(({ lastTime }) => lastTime)),
    }))
    .filter(({ values, unknownAmountReads }) => values > 0 || unknownAmountReads > 0)
    .sort((a, b) => (a.category < b.category ? -1 : 1));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
