import type { ServiceImpl } from "@connectrpc/connect";
import type { MemberMailService } from "@wellapi/gen/wellapi/internal/identity/v1/member_mail_service_pb";
import type { Store } from "@wellapi/store";
import { INSTALLATION } from "../collections.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { AlertOutbox } from "./alert-outbox.ts";
import { membersWith, type RecipientsDeps } from "./recipients.ts";

/** Of one message. */
const MOST_TOLD = 20;

/** Mail to an organization's members for other services, which learn no address. */
export function createMemberMailHandlers(
  deps: Pick<RecipientsDeps, "accounts" | "members"> & {
    readonly organizations: Pick<OrganizationRepository, "organization">;
    readonly store: Pick<Store, "commit">;
    readonly alerts: Pick<AlertOutbox, "insertion" | "kick">;
    readonly origin: () => string;
  },
): ServiceImpl<typeof MemberMailService> {
  const { organizations, store, alerts, origin } = deps;
  return {
    async tellDevelopers({ organization, messageId, letters }) {
      const { state } = await organizations.organization(organization);
      if (state !== "active") return { told: 0 };
      const members = await membersWith(deps, organization, ["owner", "administrator", "developer"]);
      const told = members.slice(0, MOST_TOLD);
      const changes = told.map(({ account, email: to, language }) => {
        const { subject, text } = letters.find((one) => one.language === language) ?? letters[0]!;
        const mail = { to, subject, text: text.replaceAll("{origin}", origin()) };
        return alerts.insertion(INSTALLATION, { ...mail, id: `${messageId}.${account}` });
      });
      // Not committed: the same message waits already.
      if (changes.length > 0) await store.commit({ partition: INSTALLATION, changes });
      alerts.kick();
      return { told: told.length };
    },
  };
}
