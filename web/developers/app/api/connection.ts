import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { WebhookService } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";

const callMs = 20_000;

/** Whom the calls are made for (docs/decisions/0039-people-and-programs.md). The session is a cookie that no script reads. */
const actingAsHeader = "wellapi-acting-as";

export type Connection = ReturnType<typeof connect>;

/** The exchange, called as this: an organization's id, or `account`. The same contracts as everyone's. */
export function connect(actingAs: string) {
  const acting: Interceptor = (next) => (request) => {
    request.header.set(actingAsHeader, actingAs);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    defaultTimeoutMs: callMs,
    interceptors: [acting, signingIn],
  });
  return {
    accounts: createClient(AccountService, transport),
    organizations: createClient(OrganizationService, transport),
    credentials: createClient(CredentialService, transport),
    webhooks: createClient(WebhookService, transport),
    usage: createClient(UsageService, transport),
    audit: createClient(AuditService, transport),
  };
}

/** Where the session has ended, the browser goes to where its reader signs in, and comes back. */
const signingIn: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    location.assign(`/sign-in?continue=${encodeURIComponent(location.pathname)}`);
    return new Promise(() => {});
  }
};
