import type { CurrentConsents, Dispute, RecallScope } from "./consent.ts";
import type { Categories } from "./understanding.ts";

/** Disputes of a patient that nobody has decided yet, so that their document, and what is told with data, stays small. */
export const mostDisputes = 100;

/** Decisions change for everybody, and nothing is taken away: an answer that began before may arrive without the mark. */
export const scopeOfDispute: RecallScope = { onlyWidens: true, grantees: [] };

/** Which disputes are about data of this code; undefined: none is. */
export function disputesOf(
  { disputes }: CurrentConsents,
  code: string,
  categories: Categories,
): readonly Dispute[] | undefined {
  if (disputes === undefined) return undefined;
  // A clinical record is meant whatever else the patient said of it.
  const about = disputes.filter(
    ({ record, category: { name, version } }) => record !== undefined || categories.has(code, name, version),
  );
  return about.length === 0 ? undefined : about;
}

export function hasRoomForDispute({ disputes = [] }: CurrentConsents): boolean {
  return disputes.length < mostDisputes;
}

export function withDispute(current: CurrentConsents, dispute: Dispute): CurrentConsents {
  return { ...current, disputes: [...(current.disputes ?? []), dispute] };
}

/** The same object where the request disputes nothing. */
export function withoutDispute(current: CurrentConsents, request: string): CurrentConsents {
  const { disputes = [] } = current;
  const left = disputes.filter((one) => one.request !== request);
  return left.length === disputes.length ? current : { ...current, disputes: left };
}
