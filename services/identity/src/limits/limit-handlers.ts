import type { ServiceImpl } from "@connectrpc/connect";
import { LimitService, LimitsSchema } from "@wellapi/gen/wellapi/identity/v1/limit_service_pb";
import { callerKey, maskedFields } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { Accesses } from "../accesses.ts";
import { fromLimitsMessage, toLimitsMessage } from "../convert.ts";
import { invalidField } from "../errors.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { checkOwn } from "../organizations/own-organization.ts";
import type { LimitRepository } from "./limit-repository.ts";
import { withRates } from "./limits.ts";

const { method } = LimitService;

export function createLimitHandlers(deps: {
  readonly accesses: Accesses;
  readonly limits: LimitRepository;
  readonly organizations: OrganizationRepository;
  readonly clock: Clock;
}): ServiceImpl<typeof LimitService> {
  const { accesses, limits, organizations, clock } = deps;

  /** Throws `not_found` for an organization that there is not. */
  async function checkKnown(organization: string): Promise<void> {
    if (organization !== "") await organizations.organization(organization);
  }

  return {
    async getLimits({ organization }, context) {
      checkOwn(context.values.get(callerKey), organization);
      await checkKnown(organization);
      return { limits: toLimitsMessage(await limits.limits(organization)) };
    },
    updateLimits({ limits: asked, updateMask }, context) {
      return accesses.logged(context, method.updateLimits, "", async ({ commit }) => {
        const { organization = "", etag = "" } = asked ?? {};
        const change = fromLimitsMessage(asked, maskedFields(LimitsSchema, asked, updateMask));
        if (organization !== "" && change.patientRate) {
          throw invalidField(
            "limits.patient_rate",
            "a patient belongs to no organization: set it for the installation",
          );
        }
        await checkKnown(organization);
        const changed = await limits.change(
          organization,
          etag,
          (current) => withRates(current, change, clock.now()),
          commit(),
        );
        return { limits: toLimitsMessage(changed) };
      });
    },
  };
}
