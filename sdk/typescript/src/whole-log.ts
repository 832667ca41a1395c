import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { type LogFinding, openLogCheckpoint, verifyLogFiles } from "@wellapi/log-verifier";
import { type TrustedKeys, trustedKeys, verifying } from "./verification.ts";

export type { LogFinding };

export interface WholeLog {
  readonly keys: TrustedKeys;
  /** Entries that the signed checkpoint covers. */
  readonly size: number;
  /** Empty where every bundle and every tile leads to the signed root. */
  readonly findings: readonly LogFinding[];
}

/**
 * Fetches every entry bundle and every tile of the log, computes the tree, and compares it with the signed checkpoint. Needs
 * no credential. Throws ClientError `verification` where the checkpoint itself does not verify.
 */
export async function verifyWholeLog(
  audit: Client<typeof AuditService>,
  verifierKey: string,
  onProgress?: (entries: number) => void,
): Promise<WholeLog> {
  const keys = await trustedKeys(audit, verifierKey);
  const { checkpoint: note } = await audit.getCheckpoint({});
  const checkpoint = await verifying(async () => openLogCheckpoint(note, [keys.current]));
  const fetchFile = async (path: string) => {
    try {
      return (await audit.getLogFile({ path })).content;
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      if (error.code === Code.DataLoss || error.code === Code.NotFound) return { refused: error.rawMessage };
      throw thrown;
    }
  };
  return { keys, size: checkpoint.size, findings: await verifyLogFiles(checkpoint, fetchFile, onProgress) };
}
