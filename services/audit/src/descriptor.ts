import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";
import { AuditIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { describeService, optionalSetting } from "@wellapi/service";
import { auditCollections } from "./collections.ts";
import { logSurface } from "./log-surface.ts";

export const auditService = describeService({
  name: "audit",
  contracts: [
    AuditService,
    UsageService,
    RequestLogService,
    AuditIntakeService,
    RequestIntakeService,
    AccessDirectoryService,
  ],
  store: {
    collections: auditCollections,
    async check({ logFolders, ...context }) {
      const { auditCheck } = await import("./check.ts");
      return auditCheck({ ...context, ...logFolders });
    },
  },
  needs: ["keys", "vault", "log_folders", "terminology", "events"],
  provides: ["access_log"],
  calls: [],
  // One writer gives entries their index.
  replicas: "one",
  sizing: { storage: "10Gi" },
  surfaces: [logSurface],
  settings: {
    acceptBreak: optionalSetting(
      "WELLAPI_ACCEPT_LOG_BREAK",
      "a loss of entries that is accepted, `<log>:<published>@<stored>` (docs/operations.md)",
    ),
    rotateKey: optionalSetting(
      "WELLAPI_ROTATE_LOG_KEY",
      "the key of the log that a new one replaces: the middle part of its verifier key (docs/operations.md)",
    ),
  },
  // Leaves have ids: one that arrives twice counts once.
  repeatable: [AuditIntakeService.method.append],
  async compose(platform, settings) {
    const { openAuditService } = await import("./service.ts");
    const { installation, clock, log, closers } = platform;
    const { kms, pageTokens } = await platform.keys();
    const store = await platform.openStore();
    const relay = platform.openRelay(store, await platform.openEvents(["audit.>"]));
    const audit = await openAuditService(
      { trustDomain: installation.trustDomain, ...platform.logFolders(), ...settings },
      {
        store,
        vault: await platform.vault(),
        terminology: await platform.terminology(),
        kms,
        clock,
        pageTokens,
        log,
        onEvents: relay.notify,
      },
    );
    closers.push("audit", () => audit.close());
    return audit;
  },
});
