import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import { ConsentRequestService } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { DeletionObligationService } from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { ConsentDirectoryService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_directory_service_pb";
import { openReceiptKey } from "@wellapi/receipts";
import { createOrganizationTimes, describeService, numberSetting } from "@wellapi/service";
import { consentCollections } from "./collections.ts";
import { subjects } from "./event-convert.ts";

export const consentService = describeService({
  name: "consent",
  contracts: [
    ConsentService,
    ConsentRequestService,
    ConsentReceiptService,
    EmergencyService,
    DeathService,
    DeletionObligationService,
    RightsService,
    ConsentDecisionService,
    ConsentDirectoryService,
  ],
  store: {
    collections: consentCollections,
    check: async (context) => (await import("./check.ts")).consentCheck(context),
    // A revocation must not fail for want of room.
    survivesFullDisk: true,
  },
  needs: ["keys", "vault", "journal", "access_log", "events", "terminology"],
  provides: ["enforcement"],
  calls: ["identity", "audit"],
  replicas: "many",
  settings: {
    // Each is told to a patient. An organization with more patients than this asks them over several days.
    requestsPerDay: numberSetting(
      "WELLAPI_CONSENT_REQUESTS_PER_DAY",
      { fallback: 1_000, min: 1, max: 10_000_000 },
      "how many requests for consent an organization may make in a day of UTC, whomever it asks",
    ),
    deletionDays: numberSetting(
      "WELLAPI_DELETION_DAYS",
      { fallback: 30, min: 1, max: 365 },
      "how many days an organization has to answer whether it deleted what it received under a consent that has ended",
    ),
  },
  async compose(platform, { requestsPerDay, deletionDays }) {
    const { openConsentService } = await import("./service.ts");
    const { installation, clock, ids, log, closers, network, accessEnds } = platform;
    const { kms, pairwise, pageTokens } = await platform.keys();
    const events = await platform.openEvents([subjects]);
    const store = await platform.openStore();
    const consent = await openConsentService(
      // One process holds all services, with one store that nobody else writes to.
      {
        enforcersInProcess: !platform.replicated,
        region: installation.region,
        requestsPerDay,
        deletionDays,
      },
      {
        store,
        vault: await platform.vault(),
        kms,
        pairwise,
        accessLog: await platform.openAccessLog(store),
        journal: await platform.journal(),
        identity: network.onOwn(),
        audit: network.onOwn(),
        relay: platform.openRelay(store, events),
        pageTokens,
        receiptKey: await openReceiptKey(kms),
        terminology: await platform.terminology(),
        clock,
        times: createOrganizationTimes({ profile: installation.profile, identity: network.onOwn(), clock }),
        ids,
        log,
        ended: accessEnds.tell,
      },
    );
    closers.push("consent", () => consent.close());
    return consent;
  },
});
