import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import { type DocumentCheck, findingOf, RESTORE, type StoreCheck } from "@wellapi/store";
import { type ItemSealer, type Kms, type PatientKey, type Vault, VaultError } from "@wellapi/vault";
import { type AccountDocument, openAccount } from "./accounts/account-repository.ts";
import { createAccountSealer } from "./accounts/room.ts";
import { collections, identityCollections } from "./collections.ts";
import { type DelegationDocument, openDelegation } from "./delegations/delegation-repository.ts";
import { openPetition, type PetitionDocument } from "./guardianships/petition-repository.ts";
import { type KeyDocument, unwrapKey } from "./installation-key-repository.ts";
import { memberChecks } from "./members/check.ts";
import { openProfile, type PatientDocument } from "./patients/patient-repository.ts";

/** The checks of this service's store, without the service. */
export function identityCheck(deps: {
  readonly vault: Vault;
  readonly kms: Kms;
  readonly sealer: LeafSealer;
}): StoreCheck {
  const { vault, kms, sealer } = deps;
  let accounts: ItemSealer | undefined;

  const profiles = sealedForPatient(
    vault,
    collections.patients,
    (key, { profile }: PatientDocument) => openProfile(key, profile!),
    {
      what: "the sealed name and time zones do not open",
      means: "one patient has no name and no time zone: days and hours of their data cannot be told apart",
    },
  );
  const patients: DocumentCheck = async (document) =>
    (document as PatientDocument).profile && profiles(document);

  const delegations = sealedForPatient(vault, collections.delegations, openDelegation, {
    what: "the sealed particulars of who acts for a patient do not open",
    means: "one carer or guardian cannot act, and who acts for the patient cannot be listed",
  });
  const petitions = sealedForPatient(vault, collections.petitions, openPetition, {
    what: "the sealed particulars of a petition for guardianship do not open",
    means: "one petition cannot be decided, and petitions cannot be listed; the person can ask again",
  });

  const installationKeys: DocumentCheck = async (document) => {
    const key = document as KeyDocument;
    try {
      (await unwrapKey(kms, key)).fill(0);
      return undefined;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const means =
        key.purpose === "tokens"
          ? "the exchange does not start; tokens under this key cannot be made"
          : "the exchange does not start; no certificate can be issued under this root";
      const said = { what: "a wrapped key of the installation does not unwrap", means, remedy: RESTORE };
      return findingOf(collections.installationKeys, [key.partition, key.purpose, key.id], said);
    }
  };

  const people: DocumentCheck = async (document) => {
    accounts ??= await createAccountSealer(kms);
    try {
      openAccount(accounts, document as AccountDocument);
      return undefined;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof VaultError)) throw error;
      const { partition, id } = document as AccountDocument;
      return findingOf(collections.accounts, [partition, id], {
        what: "a sealed account does not open",
        means: "one person cannot sign in",
        remedy: RESTORE,
      });
    }
  };

  return {
    collections: identityCollections,
    documents: {
      ...memberChecks(kms),
      [collections.accounts]: people,
      [collections.patients]: patients,
      [collections.delegations]: delegations,
      [collections.petitions]: petitions,
      [collections.installationKeys]: installationKeys,
      [leavesCollection.name]: leafCheck(sealer),
    },
  };
}

/** Of documents that are sealed with the patient's key. */
function sealedForPatient<D extends DelegationDocument | PetitionDocument | PatientDocument>(
  vault: Vault,
  collection: string,
  open: (key: PatientKey, document: D) => unknown,
  said: { readonly what: string; readonly means: string },
): DocumentCheck {
  return async (document) => {
    const { partition } = document;
    try {
      open(await vault.key(partition, "data"), document as D);
      return undefined;
    } catch (error) {
      // Nothing of an erased patient opens; a damaged key is reported by the check of the keys.
      if (error instanceof VaultError && (error.code === "destroyed" || error.code === "damaged"))
        return undefined;
      if (!(error instanceof SyntaxError) && !(error instanceof VaultError)) throw error;
      const at = "id" in document ? [partition, String(document.id)] : [partition];
      return findingOf(collection, at, { ...said, remedy: RESTORE });
    }
  };
}
