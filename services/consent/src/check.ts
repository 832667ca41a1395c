import { type LeafSealer, leafCheck, leavesCollection } from "@wellapi/access-log";
import type { Document, DocumentCheck, StoreCheck } from "@wellapi/store";
import type { Kms, Vault } from "@wellapi/vault";
import { consentCollections } from "./collections.ts";
import {
  type ConsentDocument,
  type CurrentDocument,
  consentRevisions,
  consents,
  currentConsents,
  openConsent,
  openCurrent,
  openRevision,
  type RevisionDocument,
} from "./consent-documents.ts";
import { createConsentSealing } from "./consent-sealing.ts";
import { type DeathDocument, deathReports, openDeath, reporterMac } from "./death/death-documents.ts";
import {
  clinicianMac,
  type EmergencyDocument,
  emergencyAccesses,
  openEmergency,
} from "./emergency/emergency-documents.ts";
import { obligationCheck } from "./obligations/obligation-check.ts";
import { deletionObligations } from "./obligations/obligation-documents.ts";
import { askingCheck, requestCheck } from "./requests/request-check.ts";
import { consentAskings, consentRequests } from "./requests/request-documents.ts";
import { rightsCheck } from "./rights/rights-check.ts";
import { rightsRequests } from "./rights/rights-documents.ts";
import { opened } from "./sealed-check.ts";

/**
 * The checks of this service's store, without the service: each sealed document opens, and what it says agrees with the
 * fields beside it. What the next start will migrate is not looked into.
 */
export async function consentCheck(deps: {
  readonly vault: Vault;
  readonly kms: Kms;
  readonly sealer: LeafSealer;
}): Promise<StoreCheck> {
  const damage = { report() {} };
  const sealing = await createConsentSealing({ ...deps, damage });

  const current: DocumentCheck = (document) =>
    opened(currentConsents.name, [document.partition], permitsNothing, async () => {
      await openCurrent(sealing, { document: document as CurrentDocument, revision: 1 });
      return true;
    });

  const consent: DocumentCheck = async (document) => {
    const stored = document as ConsentDocument;
    const at = [stored.partition, stored.consent];
    return opened(consents.name, at, isNotShown, async () => {
      const content = (await openConsent(sealing, stored))?.content;
      if (content === undefined) return true;
      return (
        sealing.tagOf(content.terms.grantee) === stored.grantee_mac &&
        content.createTime === stored.create_time &&
        (content.revokeTime === undefined) === stored.unrevoked
      );
    });
  };

  const revision: DocumentCheck = async (document) => {
    const stored = document as RevisionDocument;
    const at = [stored.partition, stored.consent, stored.version];
    return opened(consentRevisions.name, at, isNotShown, async () => {
      await openRevision(sealing, stored);
      return true;
    });
  };

  const emergency: DocumentCheck = async (document) => {
    const stored = document as EmergencyDocument;
    const at = [stored.partition, stored.access];
    return opened(emergencyAccesses.name, at, isNotListed, async () => {
      const access = await openEmergency(sealing, stored);
      if (access === undefined) return true;
      return (
        clinicianMac(sealing, access) === stored.clinician_mac &&
        access.createTime === stored.create_time &&
        access.id === stored.access
      );
    });
  };

  const death: DocumentCheck = async (document) => {
    const stored = document as DeathDocument;
    const at = [stored.partition, stored.report];
    return opened(deathReports.name, at, isNotDecided, async () => {
      const report = await openDeath(sealing, stored);
      if (report === undefined) return true;
      return (
        reporterMac(sealing, report.organization) === stored.organization_mac &&
        report.createTime === stored.create_time &&
        report.decisions.length === stored.decisions &&
        report.id === stored.report
      );
    });
  };

  const ofSealed =
    (check: DocumentCheck): DocumentCheck =>
    async (document: Document) =>
      document.sealed === undefined ? undefined : check(document);

  return {
    collections: consentCollections,
    documents: {
      [currentConsents.name]: ofSealed(current),
      [consents.name]: ofSealed(consent),
      [consentRevisions.name]: ofSealed(revision),
      [emergencyAccesses.name]: ofSealed(emergency),
      [deathReports.name]: ofSealed(death),
      [consentRequests.name]: requestCheck(sealing),
      [consentAskings.name]: askingCheck(sealing),
      [deletionObligations.name]: obligationCheck(sealing),
      [rightsRequests.name]: rightsCheck(sealing),
      [leavesCollection.name]: leafCheck(deps.sealer),
    },
  };
}

const permitsNothing = "the consents of one patient permit nothing, and cannot be changed";
const isNotListed =
  "one emergency access of one patient cannot be shown nor ended; it ends by itself after its hour";
const isNotDecided =
  "one report of the death of one patient cannot be shown, nor decided; a freeze that it made holds";
const isNotShown = "one consent of one patient cannot be shown, and is no proof any more";
