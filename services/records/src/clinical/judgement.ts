import type { ClinicalReceiptDocument } from "../blocks/clinical-documents.ts";
import type { Contributions } from "../gate/contribution.ts";
import { ALWAYS, covers, type Interval } from "../model/interval.ts";
import type { StoredRecord } from "./record-writes.ts";
import { recordReference } from "./references.ts";
import { type ClinicalOutcome, etagOf, rejected, type SentWrite } from "./sent-batch.ts";
import type { TakenResource } from "./taken-resource.ts";

/** What an item would change, after its own content was judged. */
export interface Target {
  readonly record: string;
  readonly before: StoredRecord | undefined;
}

export type Verdict =
  | { readonly outcome: ClinicalOutcome }
  /** To be stored, unless it says what is stored already. */
  | { readonly target: Target };

/** Why a record may not be contributed; undefined where the consents permit all of its keys. */
export function lackOf(
  { keys, fields }: TakenResource,
  contributions: Contributions,
): ClinicalOutcome | undefined {
  for (const key of keys) {
    const contribution = contributions.get(key);
    if (contribution?.permitted !== true) {
      return rejected("resource", lackText(key), contribution?.reason ?? "CONSENT_REQUIRED");
    }
    if (!isWithinWindows(contribution.windows, fields.stated)) {
      return rejected(
        "resource",
        "states a date outside of the window of the consent, or none where the consent has a window",
        "CONSENT_WINDOW",
      );
    }
  }
  return undefined;
}

function lackText(key: string): string {
  const category = key.includes("@") ? `the category ${key.slice(0, key.indexOf("@"))}` : `the code ${key}`;
  return `falls into ${category}, which no consent lets you contribute`;
}

/** All dates that a record states have to lie within; one without dates needs a consent without a window. */
export function isWithinWindows(windows: readonly Interval[], stated: Interval | undefined): boolean {
  return covers(windows, stated ?? ALWAYS);
}

/** An update or a deletion, against the record as it is. */
export function verdictOnStored(
  write: Exclude<SentWrite, { kind: "create" }>,
  type: string | undefined,
  found: StoredRecord | undefined,
  owner: string,
): Verdict {
  // Another organization's record, a malformed id and one that never was have one answer.
  if (found === undefined || found.stored.document.owner !== owner) {
    return {
      outcome: rejected("record", "is none of your organization's records of this patient", "NOT_FOUND"),
    };
  }
  const { record, version, updated_ms: updated } = found.stored.document;
  if (write.etag !== "" && write.etag !== etagOf(version)) {
    return {
      outcome: rejected(
        "etag",
        "is not that of the version that counts: read it, and decide again",
        "ETAG_MISMATCH",
      ),
    };
  }
  if (write.kind === "delete" && found.content.text === undefined) {
    return { outcome: { status: "deleted", record, version, updated } };
  }
  if (write.kind === "update" && type !== found.content.head.type) {
    return { outcome: rejected("resource", "is of another type than the record", "OTHER_TYPE") };
  }
  return { target: { record, before: found } };
}

/** A conditional creation, against what matches; undefined where it is to be created. */
export function verdictOnMatches(matches: readonly StoredRecord[]): ClinicalOutcome | undefined {
  const [first, second] = matches;
  if (first === undefined) return undefined;
  if (second !== undefined) {
    return rejected("if_none_exist", "several of your records have this identifier", "MATCHES_SEVERAL");
  }
  const { record, version, updated_ms: updated } = first.stored.document;
  return { status: "existed", record, version, updated };
}

/** What an earlier call under the same request id has done, by position. */
export function doneBefore({ done }: ClinicalReceiptDocument): ReadonlyMap<number, ClinicalOutcome> {
  return new Map(
    done.map(({ item, record, version, updated_ms }) => [
      item,
      { status: "duplicate", record, version, updated: updated_ms } as const,
    ]),
  );
}

/** Of an atomic batch with a rejected item: nothing of it is stored. */
export function allOrNothing(outcomes: readonly ClinicalOutcome[]): readonly ClinicalOutcome[] {
  return outcomes.map((outcome) =>
    outcome.status === "rejected"
      ? outcome
      : rejected(
          "writes",
          "another item of the batch was rejected, and the batch is all or nothing",
          "ANOTHER_REJECTED",
        ),
  );
}

/** By `full_url`: what a reference to an item of the batch is to become. */
export function internalReferences(
  items: ReadonlyArray<{ readonly fullUrl: string; readonly type: string; readonly record: string }>,
  patient: string,
): ReadonlyMap<string, string> {
  return new Map(
    items
      .filter(({ fullUrl }) => fullUrl !== "")
      .map(({ fullUrl, type, record }) => [fullUrl, recordReference(type, record, patient)]),
  );
}
