import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { DeathService } from "@wellapi/gen/wellapi/consent/v1/death_service_pb";
import { EmergencyService } from "@wellapi/gen/wellapi/consent/v1/emergency_service_pb";
import { ConsentDecisionService } from "@wellapi/gen/wellapi/internal/consent/v1/consent_decision_service_pb";
import { describeService } from "@wellapi/service";
import { consentCheck } from "./check.ts";
import { consentCollections } from "./collections.ts";
import { openConsentService } from "./service.ts";

export const consentService = describeService({
  name: "consent",
  contracts: [ConsentService, EmergencyService, DeathService, ConsentDecisionService],
  store: {
    collections: consentCollections,
    check: consentCheck,
    // A revocation must not fail for want of room.
    survivesFullDisk: true,
  },
  needs: ["keys", "vault", "journal", "access_log", "terminology"],
  provides: ["enforcement"],
  calls: ["identity"],
  replicas: "many",
  async compose(platform) {
    const { clock, ids, log, closers, network, accessEnds } = platform;
    const { kms, pairwise, pageTokens } = await platform.keys();
    const store = await platform.openStore();
    const consent = await openConsentService(
      // One process holds all services, with one store that nobody else writes to.
      { enforcersInProcess: !platform.replicated, region: platform.installation.region },
      {
        store,
        vault: await platform.vault(),
        kms,
        pairwise,
        accessLog: await platform.openAccessLog(store),
        journal: await platform.journal(),
        identity: network.onOwn(),
        pageTokens,
        terminology: await platform.terminology(),
        clock,
        ids,
        log,
        ended: accessEnds.tell,
      },
    );
    closers.push("consent", () => consent.close());
    return consent;
  },
});
