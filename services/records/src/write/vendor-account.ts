import type { VendorAccountDocument } from "../blocks/documents.ts";

/** The person's account at a vendor that a batch is from. */
export interface VendorAccount {
  readonly vendor: string;
  /** The person's id there. */
  readonly user: string;
  /** Whether it takes the place of another one. */
  readonly rebind: boolean;
}

/** Its names under the patient's key. */
export type VendorAccountNames = Pick<VendorAccountDocument, "account" | "user">;

/**
 * What storing a batch of an account means for the binding of the patient.
 * - `bound`: it is the one that is bound
 * - `binds`: it will be, from this batch on
 * - `other`: another one is bound, so the batch is of somebody else
 */
export function bindingOf(
  { user }: VendorAccountNames,
  bound: string | undefined,
  rebind: boolean,
): "bound" | "binds" | "other" {
  if (bound === user) return "bound";
  return bound === undefined || rebind ? "binds" : "other";
}
