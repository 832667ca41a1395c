import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";

/** Whom identity knows. */
export interface KnownPatients {
  /** Whether there is this patient, and they are not erased. Throws ConnectError. */
  isPatient(partition: string): Promise<boolean>;
}

export function createKnownPatients(identity: Transport): KnownPatients {
  const patients = createClient(PatientDirectoryService, identity);
  return {
    async isPatient(partition) {
      try {
        return (await patients.resolvePatient({ partition })).eraseTime === undefined;
      } catch (error) {
        if (ConnectError.from(error).code === Code.NotFound) return false;
        throw error;
      }
    },
  };
}
