import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { createKnownPatients, type KnownPatients } from "../standing/known-patients-client.ts";
import type { KeptEmergency } from "./emergency-repository.ts";

/** What identity knows of organizations and patients, and whom it tells. Methods throw ConnectError. */
export interface EmergencyIdentity extends KnownPatients {
  /** Whether the organization's clinicians may open emergency access now. */
  isEnabled(organization: string): Promise<boolean>;
  /** Resolves once the mail to the patient and the privacy officers is stored. */
  tell(kept: KeptEmergency): Promise<void>;
}

export function createEmergencyIdentity(identity: Transport): EmergencyIdentity {
  const emergencies = createClient(EmergencyDirectoryService, identity);
  return {
    ...createKnownPatients(identity),
    async isEnabled(organization) {
      return (await emergencies.getEmergencyStanding({ organization })).enabled;
    },
    async tell({ partition, access: { id, organization, createTime } }) {
      await emergencies.tellEmergencyAccess({
        partition,
        organization,
        emergencyAccess: id,
        createTime: timestampFromMs(createTime),
      });
    },
  };
}
