import { type CallOptions, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { PatientDirectoryService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_directory_service_pb";

const askMs = 2_000;

/** Whom identity knows. */
export interface KnownPatients {
  /** Whether there is this patient, and they are not erased. Throws as `askedOfIdentity`. */
  isPatient(partition: string): Promise<boolean>;
}

export function createKnownPatients(identity: Transport): KnownPatients {
  const patients = createClient(PatientDirectoryService, identity);
  return {
    async isPatient(partition) {
      const found = await askedOfIdentity((options) => patients.resolvePatient({ partition }, options));
      return found !== undefined && found.eraseTime === undefined;
    },
  };
}

/**
 * What identity says before anything is changed; undefined for NOT_FOUND. Throws ConnectError: UNAVAILABLE where identity does not
 * answer in time, so that the caller sends the same again, and otherwise what identity threw.
 */
export async function askedOfIdentity<T>(ask: (options: CallOptions) => Promise<T>): Promise<T | undefined> {
  try {
    return await ask({ timeoutMs: askMs });
  } catch (cause) {
    const { code } = ConnectError.from(cause);
    if (code === Code.NotFound) return undefined;
    if (code !== Code.DeadlineExceeded) throw cause;
    throw new ConnectError("identity does not answer", Code.Unavailable, undefined, undefined, cause);
  }
}
