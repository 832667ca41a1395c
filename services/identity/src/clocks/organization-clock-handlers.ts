import type { ServiceImpl } from "@connectrpc/connect";
import type { OrganizationClockService } from "@wellapi/gen/wellapi/internal/identity/v1/organization_clock_service_pb";
import { clocksInSandbox } from "../errors.ts";
import type { OrganizationClockRepository } from "./organization-clock-repository.ts";

/** What time it is for organizations, for the services that judge by it. `clocks`: undefined outside of the sandbox. */
export function createOrganizationClockHandlers(
  clocks: Pick<OrganizationClockRepository, "clocks"> | undefined,
): ServiceImpl<typeof OrganizationClockService> {
  return {
    async listOrganizationClocks({ knownRevision }) {
      if (clocks === undefined) throw clocksInSandbox();
      const { revision, clocks: all } = await clocks.clocks();
      const told = BigInt(revision);
      if (told === knownRevision) return { revision: told };
      const listed = [...all].map(([organization, aheadSeconds]) => ({ organization, aheadSeconds }));
      return { revision: told, clocks: listed };
    },
  };
}
