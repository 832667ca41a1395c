import type { CollectionDeclaration } from "@wellapi/store";
import type { ConsentSealing } from "../consent-sealing.ts";
import { createSealedRequests } from "../sealed-request.ts";
import type { RightsRequest } from "./rights-request.ts";

export const rightsRequests: CollectionDeclaration = {
  name: "rights_requests",
  key: ["partition", "request"],
  indexes: [
    { name: "by_request", fields: ["request"], unique: true },
    { name: "by_origin", fields: ["origin_mac"], unique: true },
    { name: "by_patient", fields: ["partition", "create_time"] },
    { name: "by_organization", fields: ["organization_mac", "create_time"] },
    { name: "by_patient_and_organization", fields: ["partition", "organization_mac", "create_time"] },
  ],
};

export const sealedRights = createSealedRequests<RightsRequest>(rightsRequests.name);

/** Stands for the organization of which something is demanded. */
export function organizationMac({ tagOf }: Pick<ConsentSealing, "tagOf">, organization: string): string {
  return tagOf(`rights request ${organization}`);
}
