import type { ServiceImpl } from "@connectrpc/connect";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { toOrganizationMessage } from "../convert.ts";
import { emergencyDisabledOf, writeDown } from "../journal-entries.ts";
import { withEmergencyAccess, withoutEmergencyAccess } from "./organization.ts";
import { checkOwn } from "./own-organization.ts";
import type { VerificationHandlersDeps } from "./verification-handlers.ts";

const { method } = OrganizationService;

/** Whether an organization's clinicians may open emergency access: on by the privacy officer, off also by the owner. */
export function createEmergencySwitchHandlers(
  deps: Omit<VerificationHandlersDeps, "ended">,
): Pick<ServiceImpl<typeof OrganizationService>, "enableEmergencyAccess" | "disableEmergencyAccess"> {
  const { accesses, organizations, journal, clock } = deps;
  return {
    enableEmergencyAccess({ organization: id, etag }, context) {
      return accesses.logged(context, method.enableEmergencyAccess, "", async ({ commit }) => {
        const change = (current: Parameters<typeof withEmergencyAccess>[0]) =>
          withEmergencyAccess(current, clock.now());
        const { changed } = await organizations.amendOrganization(id, etag, { change }, commit());
        return { organization: toOrganizationMessage(changed) };
      });
    },
    disableEmergencyAccess({ organization: id, etag }, context) {
      return accesses.logged(context, method.disableEmergencyAccess, "", async ({ caller, commit }) => {
        checkOwn(caller, id);
        const { changed } = await organizations.amendOrganization(
          id,
          etag,
          {
            change: (current) => withoutEmergencyAccess(current, clock.now()),
            also: (organization) => [journal.owed(emergencyDisabledOf(organization))],
          },
          commit(),
        );
        // Also where nothing changed: an earlier call may have failed here.
        if (changed.emergencyVersion !== undefined) await writeDown(journal, emergencyDisabledOf(changed));
        return { organization: toOrganizationMessage(changed) };
      });
    },
  };
}
