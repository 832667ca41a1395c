import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { Organization_State } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";

/** What identity knows of the two parties of a consent. Methods throw ConnectError. */
export interface Parties {
  /** Whether there is this organization, and it is not deleted. */
  isOrganization(organization: string, signal?: AbortSignal): Promise<boolean>;
  /** Whether there is this patient, and they are not erased. */
  isPatient(partition: string, signal?: AbortSignal): Promise<boolean>;
}

/** `identity`: calls identity, as this service. */
export function createParties(identity: Transport): Parties {
  const organizations = createClient(OrganizationService, identity);
  const patients = createClient(PatientDirectoryService, identity);
  return {
    isOrganization: (organization, signal) =>
      unlessNotFound(async () => {
        const options = signal && { signal };
        const { organization: found } = await organizations.getOrganization({ organization }, options);
        return found !== undefined && found.state !== Organization_State.DELETED;
      }),
    isPatient: (partition, signal) =>
      unlessNotFound(async () => {
        return (await patients.resolvePatient({ partition }, signal && { signal })).eraseTime === undefined;
      }),
  };
}

async function unlessNotFound(answer: () => Promise<boolean>): Promise<boolean> {
  try {
    return await answer();
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return false;
    throw error;
  }
}
