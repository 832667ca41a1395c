import {
  type Author,
  amended,
  type Consent,
  type CurrentConsents,
  isHidden,
  type Terms,
  withAmended,
  withCreated,
} from "../consent.ts";
import { type Decision, decide, type Question } from "../decision.ts";
import type { Categories } from "../understanding.ts";

/** Stands for a consent that is not granted yet. No stored consent has this id, and it never leaves this installation. */
const foreseenId = "con_foreseen";

/** Consents as they are or would be, and whose view of the patient is foreseen by them. */
export interface Prospect {
  readonly organization: string;
  readonly current: CurrentConsents;
  /** UTC milliseconds: the time that is foreseen. Not before now. */
  readonly at: number;
  /** What this consent alone lets through. Absent: what all of the organization's do. */
  readonly only?: string;
}

/** What would be decided: by `decide` and nothing else, from the consents of a prospect and at its time. */
export function foresee(
  { organization, current, at, only }: Prospect,
  question: Omit<Question, "organization" | "direction" | "person">,
  categories: Categories,
): Decision {
  // Nobody is named: emergency access is a person's own, and not foreseen.
  const decision = decide(current, { ...question, organization, direction: "read" }, at, categories);
  if (!decision.permitted || only === undefined) return decision;
  const [first, ...rest] = decision.permits.filter(({ consent }) => consent === only);
  // Others permit it.
  if (first === undefined) return { permitted: false, reason: "category" };
  return { ...decision, permits: [first, ...rest] };
}

/** All consents for an organization, as they are. */
export function asItIs(current: CurrentConsents, organization: string, now: number): Prospect {
  return { organization, current, at: now };
}

/** One consent, now or from its begin. */
export function ofConsent(current: CurrentConsents, { id, terms }: Consent, now: number): Prospect {
  return { organization: terms.grantee, current, at: beginOf(terms, now), only: id };
}

/** With a consent that the patient would grant now; `replaces`: the one of which it would be the next version. */
export function withTerms(
  current: CurrentConsents,
  terms: Terms,
  grantor: Author,
  now: number,
  replaces?: Consent,
): Prospect & { readonly consent: Consent } {
  const consent: Consent =
    replaces === undefined
      ? { id: foreseenId, terms, version: 1, grantor, createTime: now }
      : amended(replaces, terms, grantor);
  const after = replaces === undefined ? withCreated(current, consent) : withAmended(current, consent);
  return { organization: terms.grantee, current: after, at: beginOf(terms, now), consent };
}

/** Without the consents that are hidden from who acts for a minor: what is foreseen is as if there were none such. */
export function withoutHidden(
  current: CurrentConsents,
  hides: readonly string[] | undefined,
): CurrentConsents {
  if (hides === undefined) return current;
  const consents = current.consents.filter(({ terms }) => !isHidden(terms, hides));
  const disputes = current.disputes?.filter(({ category }) => !hides.includes(category.name));
  return { ...current, consents, ...(disputes && { disputes }) };
}

function beginOf({ validity }: Terms, now: number): number {
  return Math.max(now, validity.start ?? now);
}
