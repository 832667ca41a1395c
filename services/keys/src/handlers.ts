import type { ServiceImpl } from "@connectrpc/connect";
import type { KeyName, KeyService } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import { KeyState } from "@wellapi/gen/wellapi/internal/keys/v1/key_service_pb";
import type { Clock } from "@wellapi/runtime";
import { type KeyRepository, type KeyUse, VaultError } from "@wellapi/vault";

/** No leaves: a key is fetched during a call that leaves its own. */
export function createKeyHandlers(keys: KeyRepository, clock: Clock): ServiceImpl<typeof KeyService> {
  return {
    async findKey({ name }) {
      const { partition, use } = nameOf(name);
      try {
        const versions = await keys.find(partition, use);
        return { state: KeyState.PRESENT, versions: [...versions] };
      } catch (error) {
        return { state: stateOf(error), versions: [] };
      }
    },
    async insertKey({ name, wrapped }) {
      const { partition, use } = nameOf(name);
      try {
        await keys.insert(partition, use, wrapped, clock.now());
        return { state: KeyState.PRESENT };
      } catch (error) {
        return { state: stateOf(error) };
      }
    },
    async destroyKey({ name }) {
      const { partition, use } = nameOf(name);
      return { versions: await keys.destroy(partition, use, clock.now()) };
    },
    async getFingerprint({ fingerprint }) {
      return { fingerprint: await keys.fingerprint(fingerprint, clock.now()) };
    },
  };
}

/** The contract's rules were checked before. */
function nameOf(name: KeyName | undefined): { partition: string; use: KeyUse } {
  const { partition, use } = name!;
  return { partition, use: use as KeyUse };
}

/** The answer for an error that has one; else throws the error. */
function stateOf(error: unknown): KeyState {
  if (error instanceof VaultError && error.code === "no_key") return KeyState.ABSENT;
  if (error instanceof VaultError && error.code === "destroyed") return KeyState.DESTROYED;
  throw error;
}
