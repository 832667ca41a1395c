import { type DocumentCheck, findingOf, RESTORE } from "@wellapi/store";
import { type ItemSealer, type Kms, VaultError } from "@wellapi/vault";
import { collections } from "../collections.ts";
import { type InvitationDocument, invitationOf } from "./invitation-repository.ts";
import { type MemberDocument, memberOf } from "./member-repository.ts";
import { createAddressSealer } from "./room.ts";

/** The checks of members and invitations: their sealed addresses open. */
export function memberChecks(kms: Kms): Readonly<Record<string, DocumentCheck>> {
  let sealer: ItemSealer | undefined;

  /** Says what is wrong where it does not open. */
  async function opens(open: (sealer: ItemSealer) => unknown): Promise<boolean> {
    sealer ??= await createAddressSealer(kms);
    try {
      open(sealer);
      return true;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return false;
    }
  }

  const what = "a sealed address does not open";
  return {
    [collections.members]: async (document) => {
      const one = document as MemberDocument;
      if (await opens((sealer) => memberOf(sealer, one))) return undefined;
      const means = "the members of one organization cannot be listed, and this one cannot act for it";
      const said = { what, means, remedy: RESTORE };
      return findingOf(collections.members, [one.partition, one.body, one.account], said);
    },
    [collections.invitations]: async (document) => {
      const one = document as InvitationDocument;
      if (await opens((sealer) => invitationOf(sealer, one))) return undefined;
      const said = { what, means: "one invitation cannot be accepted", remedy: RESTORE };
      return findingOf(collections.invitations, [one.partition, one.id], said);
    },
  };
}
