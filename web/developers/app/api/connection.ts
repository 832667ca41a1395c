import { createClient } from "@connectrpc/connect";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { RequestLogService } from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import { createPageTransport } from "@wellapi/ui/browser/page-transport";

export type Connection = ReturnType<typeof connect>;

/** The exchange, called as this: an organization's id, or `account`. The same contracts as everyone's. */
export function connect(actingAs: string) {
  const transport = createPageTransport(actingAs);
  return {
    accounts: createClient(AccountService, transport),
    organizations: createClient(OrganizationService, transport),
    credentials: createClient(CredentialService, transport),
    webhooks: createClient(WebhookService, transport),
    usage: createClient(UsageService, transport),
    requests: createClient(RequestLogService, transport),
    audit: createClient(AuditService, transport),
  };
}
