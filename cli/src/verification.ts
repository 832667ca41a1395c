import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import { verifyAccess, verifyGrowth } from "@wellapi/access-log";
import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { CliError } from "./failure.ts";

type Audit = Client<typeof AuditService>;

/** What was verified of an access: that the log's signed tree holds exactly these bytes at this position. */
export interface VerifiedAccess {
  readonly access: Access;
  readonly index: number;
  /** Size of the log that the proof refers to. */
  readonly size: number;
}

function sizeOf(checkpoint: string): number {
  return Number(checkpoint.split("\n")[1]);
}

/** Any failed proof means one thing to the caller: what the log showed is not what it committed to. */
async function verifying<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && cause.name === "MerkleError") {
      throw new CliError("verification", `NOT VERIFIED: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

/**
 * Fetches an access with its proof and verifies it against a checkpoint and a public key; waits up to ten
 * seconds for the log to integrate it.
 */
export async function verifyLoggedAccess(
  audit: Audit,
  id: string,
  verifierKey: string,
): Promise<VerifiedAccess> {
  for (let attempt = 0; ; attempt++) {
    const { access: logged } = await audit.getAccess({ access: id });
    if (!logged) throw new CliError("verification", "the log answered without the access");
    const { checkpoint } = await audit.getCheckpoint({});
    const size = sizeOf(checkpoint);
    if (logged.index >= 0n && Number(logged.index) < size) {
      const proof = await audit.getInclusionProof({ index: logged.index, size: BigInt(size) });
      return verifying(async () => {
        const verified = verifyAccess({
          body: logged.body,
          nonce: logged.nonce,
          index: Number(logged.index),
          checkpoint,
          verifierKeys: [verifierKey],
          proof: proof.hashes,
        });
        return { access: verified.access, index: Number(logged.index), size };
      });
    }
    if (attempt >= 50)
      throw new CliError("verification", "the log has not integrated the access within ten seconds");
    await sleep(200);
  }
}

/** Verifies that the current log begins with the log of an older checkpoint. */
export async function verifyLogGrowth(
  audit: Audit,
  older: string,
  verifierKey: string,
): Promise<{ from: number; to: number }> {
  const { checkpoint: newer } = await audit.getCheckpoint({});
  const firstSize = sizeOf(older);
  const secondSize = sizeOf(newer);
  if (!Number.isSafeInteger(firstSize)) throw new CliError("input", "the older checkpoint is no checkpoint");
  if (firstSize > secondSize) {
    throw new CliError(
      "verification",
      `NOT VERIFIED: the log shrank from ${firstSize} to ${secondSize} entries`,
    );
  }
  const proof = await audit.getConsistencyProof({
    firstSize: BigInt(firstSize),
    secondSize: BigInt(secondSize),
  });
  return verifying(async () => {
    const grown = verifyGrowth({ from: older, to: newer, verifierKeys: [verifierKey], proof: proof.hashes });
    return { from: grown.from.size, to: grown.to.size };
  });
}
