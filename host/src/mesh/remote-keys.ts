import { createClient, type Transport } from "@connectrpc/connect";
import { KeyService, KeyState } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import { problemOf, toConnectError } from "@wellapi/rpc";
import { type KeyRepository, VaultError } from "@wellapi/vault";
import { patiently } from "../patience.ts";

const callMs = 5_000;

/** Wrapped keys in the keys service. The signal ends the wait for it at the start. */
export function createRemoteKeys(transport: Transport, signal: AbortSignal): KeyRepository {
  const keys = createClient(KeyService, transport);
  const options = { timeoutMs: callMs };
  return {
    find: (partition, use) =>
      guard(async () => {
        const { state, versions } = await keys.findKey({ name: { partition, use } }, options);
        check(state);
        return versions.map(({ version, wrapped }) => ({ version, wrapped }));
      }),
    insert: (partition, use, wrapped) =>
      guard(async () => {
        const { state } = await keys.insertKey({ name: { partition, use }, wrapped }, options);
        check(state);
      }),
    // A scrub rewrites the file, and is slow.
    destroy: (partition, use) =>
      guard(async () => {
        const { versions } = await keys.destroyKey({ name: { partition, use } }, { timeoutMs: 25_000 });
        return versions;
      }),
    fingerprint: (fingerprint) =>
      guard(async () => {
        const answer = await patiently(signal, () => keys.getFingerprint({ fingerprint }, options));
        return answer.fingerprint;
      }),
  };
}

function check(state: KeyState): void {
  if (state === KeyState.PRESENT) return;
  if (state === KeyState.DESTROYED) throw new VaultError("destroyed", "the patient's key was destroyed");
  if (state === KeyState.ABSENT) throw new VaultError("no_key", "the patient has no such key");
  throw new VaultError("unavailable", "the keys service gave an answer that this version does not know");
}

/** Turns errors of the call into VaultErrors: in every case the key is not available now. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    const { reason } = problemOf(toConnectError(cause));
    if (reason === "STORE_DAMAGED") {
      throw new VaultError("damaged", "the keys service's file is damaged", { cause });
    }
    throw new VaultError("unavailable", `the keys service does not answer (${reason})`, { cause });
  }
}
