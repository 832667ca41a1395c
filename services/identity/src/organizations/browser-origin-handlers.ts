import type { ServiceImpl } from "@connectrpc/connect";
import type { BrowserOriginService } from "@wellapi/gen/wellapi/internal/identity/v1/browser_origin_service_pb";
import type { OrganizationRepository } from "./organization-repository.ts";

export function createBrowserOriginHandlers(
  organizations: Pick<OrganizationRepository, "mayCallFrom">,
): ServiceImpl<typeof BrowserOriginService> {
  return {
    checkOrigin: async ({ origin }) => ({ registered: await organizations.mayCallFrom(origin) }),
  };
}
