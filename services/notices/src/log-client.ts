import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { AccessDirectoryService } from "@wellapi/gen/wellapi/internal/audit/v1/access_directory_service_pb";

/** What the log has of an access. */
export interface LoggedAccess {
  /** `<service>/<method>` */
  readonly method: string;
  /** UTC milliseconds. */
  readonly time: number;
  /** Of the actor; empty: it has none. */
  readonly organization: string;
  readonly codes: readonly string[];
  readonly emergencyAccess: string;
}

export interface LogClient {
  /** Undefined where the log has no such access, or shows it to nobody any more. Throws ConnectError. */
  lookup(partition: string, access: string): Promise<LoggedAccess | undefined>;
}

export function createLogClient(transport: Transport): LogClient {
  const directory = createClient(AccessDirectoryService, transport);
  return {
    async lookup(partition, access) {
      try {
        const { access: found } = await directory.lookupAccess({ partition, access });
        if (found === undefined) return undefined;
        const { method, time, organization, codes, emergencyAccess } = found;
        return {
          method,
          time: time === undefined ? 0 : timestampMs(time),
          organization,
          codes,
          emergencyAccess,
        };
      } catch (error) {
        const { code } = ConnectError.from(error);
        // A damaged entry is told to the operator by audit; the patient sees it in the log.
        if (code === Code.NotFound || code === Code.DataLoss) return undefined;
        throw error;
      }
    },
  };
}
