import { type Scan, StoreError } from "@wellapi/store";
import type { Page } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";

/** Whose items are shown: those about a patient, perhaps of one organization alone, or those of an organization. */
export interface Owner {
  readonly partition?: string;
  readonly organization?: string;
}

/** Whether what is about this patient and of this organization is the owner's. */
export function isOf({ partition, organization }: Owner, item: Required<Owner>): boolean {
  return (
    (partition === undefined || item.partition === partition) &&
    (organization === undefined || item.organization === organization)
  );
}

/** The owner's, newest first, of a collection with the indexes `by_patient` and `by_organization`. */
export function ownScan(
  { partition, organization = "" }: Owner,
  { limit, cursor }: Page,
  macOf: (organization: string) => string,
): Scan {
  return {
    ...(partition === undefined
      ? { index: "by_organization", equals: [macOf(organization)] }
      : { index: "by_patient", equals: [partition] }),
    order: "descending",
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** For a scan that fails: throws `invalid_page_token` where its cursor is another list's, and else what it failed of. */
export function refusingForeign(cursor: string | undefined): (cause: unknown) => never {
  return (cause) => {
    const foreign = cursor !== undefined && cause instanceof StoreError && cause.code === "invalid";
    throw foreign ? new ConsentError("invalid_page_token", { cause }) : cause;
  };
}
