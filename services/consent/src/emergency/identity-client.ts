import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { EmergencyDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/emergency_directory_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";
import type { KeptEmergency } from "./emergency-repository.ts";

/** What identity knows of organizations and patients, and whom it tells. Methods throw ConnectError. */
export interface EmergencyIdentity {
  /** Whether the organization's clinicians may open emergency access now. */
  isEnabled(organization: string): Promise<boolean>;
  /** Whether there is this patient, and they are not erased. */
  isPatient(partition: string): Promise<boolean>;
  /** Resolves once the mail to the patient and the privacy officers is stored. */
  tell(kept: KeptEmergency): Promise<void>;
}

export function createEmergencyIdentity(identity: Transport): EmergencyIdentity {
  const emergencies = createClient(EmergencyDirectoryService, identity);
  const patients = createClient(PatientDirectoryService, identity);
  return {
    async isEnabled(organization) {
      return (await emergencies.getEmergencyStanding({ organization })).enabled;
    },
    async isPatient(partition) {
      try {
        return (await patients.resolvePatient({ partition })).eraseTime === undefined;
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return false;
        throw error;
      }
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
