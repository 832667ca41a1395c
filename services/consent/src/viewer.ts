import { type Caller, partyOf } from "@wellapi/rpc";
import { type Author, isHidden } from "./consent.ts";
import type { ConsentRepository, Holder, KeptConsent } from "./consent-repository.ts";
import { ConsentError } from "./errors.ts";
import { isOf, type Owner } from "./owner.ts";

/**
 * The reader: a patient at their own consents, an organization at those granted to it, or an application with a token for one
 * patient, at those of that patient that were granted to its organization.
 */
export interface Viewer {
  readonly holder: Holder;
  /** Only consents that were granted to this organization. Absent: the holder alone decides. */
  readonly grantee?: string;
  /** The party whose pairwise ids the reader knows. */
  readonly party: string;
  /** Consents that name one of these categories are the patient's alone. Absent: none. */
  readonly hides?: readonly string[];
}

/** Throws `not_permitted`. */
export function viewerOf(caller: Caller): Viewer {
  const { kind, partition, organization, onlyPatient, hides } = caller.principal;
  const party = partyOf(caller);
  if (kind === "patient" && partition !== undefined)
    return { holder: { partition }, party, ...(hides && { hides }) };
  if ((kind === "application" || kind === "member") && organization !== undefined) {
    if (onlyPatient === undefined) return { holder: { grantee: organization }, party };
    return { holder: { partition: onlyPatient }, grantee: organization, party };
  }
  throw new ConsentError("not_permitted");
}

/** Whose items the viewer sees. */
export function ownerOf({ holder, grantee }: Viewer): Owner {
  if ("grantee" in holder) return { organization: holder.grantee };
  return { partition: holder.partition, ...(grantee !== undefined && { organization: grantee }) };
}

/** The calling patient. Throws `not_permitted`. */
export function patientOfCall(caller: Caller): { partition: string; author: Author } {
  const { kind, id, partition, actor } = caller.principal;
  if (kind !== "patient" || partition === undefined) throw new ConsentError("not_permitted");
  return { partition, author: actor ? { kind: actor.kind, id: actor.id } : { kind: "patient", id } };
}

/** The calling organization, and who acts for it. Throws `not_permitted`. */
export function organizationOfCall({ principal }: Caller): {
  readonly organization: string;
  readonly actor: { readonly kind: "application" | "member"; readonly id: string };
} {
  const { kind, id, organization, onlyPatient } = principal;
  // An application's token for one patient is the patient's own grant, and not the organization.
  if (organization === undefined || onlyPatient !== undefined) throw new ConsentError("not_permitted");
  if (kind !== "application" && kind !== "member") throw new ConsentError("not_permitted");
  return { organization, actor: { kind, id } };
}

/**
 * A consent that the viewer may see, as it is now; whoever shows another version asks `isHidden` of that one, too. Throws
 * `not_found`, the same for another's consent and for none.
 */
export async function visible(consents: ConsentRepository, viewer: Viewer, id: string): Promise<KeptConsent> {
  const found = await consents.find(id);
  const theirs =
    found !== undefined &&
    isOf(ownerOf(viewer), { partition: found.partition, organization: found.consent.terms.grantee });
  if (!theirs || isHidden(found.consent.terms, viewer.hides)) throw new ConsentError("not_found");
  return found;
}
