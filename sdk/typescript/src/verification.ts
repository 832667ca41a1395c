import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import {
  breakSince,
  checkpointSize,
  followSuccessions,
  type Succession,
  successionNotes,
  verifyAccess,
  verifyGrowth,
} from "@wellapi/log-verifier";
import { ClientError } from "./errors.ts";

type Audit = Client<typeof AuditService>;

/** A verified access: the log's signed tree holds exactly these bytes at this position. */
export interface VerifiedAccess {
  readonly access: Access;
  readonly index: number;
  /** Size of the log that the proof refers to. */
  readonly size: number;
}

/** From the key that the caller trusts to the current signing key. */
export interface TrustedKeys {
  readonly pinned: string;
  readonly current: string;
  /** Each signed by the key before it: replaced keys, and declared breaks. */
  readonly steps: readonly Succession[];
}

/** Follows the log's statements about its keys, as far as each key vouches for the next. */
export async function trustedKeys(audit: Audit, pinned: string): Promise<TrustedKeys> {
  const { content } = await audit.getLogFile({ path: "successions" });
  return verifying(async () => {
    const { key, steps } = followSuccessions(successionNotes(content), pinned);
    return { pinned, current: key, steps };
  });
}

/** Notes for a user who pins the key, a line each. */
export function describeSteps({ steps, current }: TrustedKeys): string[] {
  const lines = steps.map((step) => {
    const time = new Date(step.time).toISOString();
    if (step.reason === "rotated") return `! the log's key was replaced at ${time}`;
    return `! DECLARED BREAK: the log was restored from a backup at ${time}, and ${lossOf(step)}`;
  });
  return steps.length === 0 ? [] : [...lines, `! pin the key that signs now: ${current}`];
}

function lossOf({ published, continues }: Succession): string {
  return published === undefined
    ? `whatever had been published from entry ${continues.size} on is lost`
    : `entries ${continues.size} to ${published.size - 1}, which had been published, are lost`;
}

/** Every failed proof means the same to the caller: the log showed something else than it committed to. */
export async function verifying<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && cause.name === "MerkleError") {
      throw new ClientError("verification", `NOT VERIFIED: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

/**
 * Fetches an access with its proof and verifies it against a checkpoint and a public key; waits up to ten seconds for the log
 * to integrate it. A very recent access may not have reached the log: then it throws WellApiError `NOT_FOUND`.
 */
export async function verifyLoggedAccess(
  audit: Audit,
  id: string,
  verifierKey: string,
): Promise<VerifiedAccess> {
  const keys = await trustedKeys(audit, verifierKey);
  for (let attempt = 0; ; attempt++) {
    const { access: logged } = await audit.getAccess({ access: id });
    if (!logged) throw new ClientError("verification", "the log answered without the access");
    const { checkpoint } = await audit.getCheckpoint({});
    const size = checkpointSize(checkpoint);
    if (logged.index >= 0n && Number(logged.index) < size) {
      const proof = await audit.getInclusionProof({ index: logged.index, size: BigInt(size) });
      return verifying(async () => {
        const verified = verifyAccess({
          body: logged.body,
          nonce: logged.nonce,
          index: Number(logged.index),
          checkpoint,
          verifierKeys: [keys.current],
          proof: proof.hashes,
        });
        // The position is proven, but it may hold another entry than the requested one.
        if (verified.access.id !== id) {
          throw new ClientError("verification", "NOT VERIFIED: the log answered with another access");
        }
        return { access: verified.access, index: Number(logged.index), size };
      });
    }
    if (attempt >= 50)
      throw new ClientError("verification", "the log has not integrated the access within ten seconds");
    await sleep(200);
  }
}

/**
 * Verifies that the current log begins with the log of an older checkpoint. If a declared break of the log lost entries
 * that the checkpoint covers, the failure says so: it is not a fork, and not a proof.
 */
export async function verifyLogGrowth(
  audit: Audit,
  older: string,
  verifierKey: string,
): Promise<{ from: number; to: number }> {
  const keys = await trustedKeys(audit, verifierKey);
  const { checkpoint: newer } = await audit.getCheckpoint({});
  const firstSize = checkpointSize(older);
  const secondSize = checkpointSize(newer);
  if (!Number.isSafeInteger(firstSize))
    throw new ClientError("input", "the older checkpoint is no checkpoint");
  const lost = breakSince(keys.steps, firstSize);
  if (lost) {
    const time = new Date(lost.time).toISOString();
    throw new ClientError(
      "break",
      `DECLARED BREAK: at ${time} the log was restored from a backup, and ${lossOf(lost)}. It says so itself, signed by the key that you trust; the checkpoint covers ${firstSize} entries, so what it proves from entry ${lost.continues.size} on nobody can show any more`,
    );
  }
  if (firstSize > secondSize) {
    throw new ClientError(
      "verification",
      `NOT VERIFIED: the log shrank from ${firstSize} to ${secondSize} entries, and no break was declared`,
    );
  }
  const proof = await audit.getConsistencyProof({
    firstSize: BigInt(firstSize),
    secondSize: BigInt(secondSize),
  });
  return verifying(async () => {
    const grown = verifyGrowth({
      from: older,
      to: newer,
      // The older checkpoint may be signed by the pinned key, or by a later one.
      verifierKeys: keysOf(older, keys),
      toVerifierKeys: [keys.current],
      proof: proof.hashes,
    });
    return { from: grown.from.size, to: grown.to.size };
  });
}

/** Keys with the name of the older checkpoint. */
function keysOf(older: string, { pinned, steps }: TrustedKeys): string[] {
  const origin = older.split("\n")[0];
  const all = [pinned, ...steps.map(({ to }) => to)];
  const own = all.filter((key) => key.startsWith(`${origin}+`));
  return own.length > 0 ? own : [pinned];
}
