import { createItemSealer, type Kms } from "@wellapi/vault";
import { AccessLogError } from "./errors.ts";

/** Seals leaves while they wait on disk. Synchronous: a leaf is built inside the caller's own commit. */
export interface LeafSealer {
  /** Bytes that open only with the same partition and id. */
  seal(partition: string, id: string, plaintext: Uint8Array): Uint8Array;
  /** The plaintext; throws AccessLogError `tampered`. */
  open(partition: string, id: string, sealed: Uint8Array): Uint8Array;
}

/** A sealer under a key that the KMS derives for `service`. */
export async function createLeafSealer(deps: {
  readonly kms: Kms;
  readonly service: string;
}): Promise<LeafSealer> {
  const items = createItemSealer(await deps.kms.derive(`access-log/${deps.service}/leaves`));
  return {
    seal: (partition, id, plaintext) => items.seal([partition, id], plaintext),
    open(partition, id, sealed) {
      try {
        return items.open([partition, id], sealed);
      } catch (cause) {
        throw new AccessLogError("tampered", "a sealed leaf does not open", { cause });
      }
    },
  };
}
