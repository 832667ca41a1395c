import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import type { Store } from "@wellapi/store";
import { INSTALLATION } from "../collections.ts";
import { IdentityError } from "../errors.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import type { RecipientsDeps } from "../mail/recipients.ts";
import { mayOpenEmergencies, type Organization } from "../organizations/organization.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { shownName } from "../organizations/shown-name.ts";
import { emergencyMail } from "./emergency-mail.ts";
import { emergencyRecipients } from "./emergency-recipients.ts";

/** What consent asks about emergency access, and the mail that tells of it: stored, and sent until it went out. */
export function createEmergencyDirectoryHandlers(
  deps: RecipientsDeps & {
    readonly store: Store;
    readonly organizations: Pick<OrganizationRepository, "organization">;
    readonly alerts: Pick<AlertOutbox, "insertion" | "kick">;
    readonly origin: () => string;
  },
): ServiceImpl<typeof EmergencyDirectoryService> {
  const { store, organizations, alerts, origin } = deps;

  async function find(id: string): Promise<Organization | undefined> {
    return organizations.organization(id).catch((error: unknown) => {
      if (error instanceof IdentityError && error.code === "not_found") return undefined;
      throw error;
    });
  }

  return {
    async getEmergencyStanding({ organization }) {
      const found = await find(organization);
      return { enabled: found !== undefined && mayOpenEmergencies(found) };
    },
    async tellEmergencyAccess({ partition, organization, emergencyAccess: id, createTime }) {
      const opened = {
        id,
        organization: await shownName(organizations, organization),
        createTime: createTime === undefined ? 0 : timestampMs(createTime),
      };
      const told = await emergencyRecipients(deps, partition);
      const changes = told.map((one) => alerts.insertion(INSTALLATION, emergencyMail(one, opened, origin())));
      if (changes.length > 0) await store.commit({ partition: INSTALLATION, changes });
      alerts.kick();
      return {};
    },
  };
}
