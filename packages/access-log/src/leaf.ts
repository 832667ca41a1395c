import { clone, create, fromBinary, isMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { AccessSchema } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { LeafSchema } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import { NONCE_BYTES } from "@wellapi/log-verifier";
import { type Clock, currentTrace, type Ids } from "@wellapi/runtime";
import type { CollectionDeclaration, Document } from "@wellapi/store";
import { randomFromPool } from "@wellapi/vault";
import { AccessLogError } from "./errors.ts";
import type { LeafSealer } from "./leaf-sealer.ts";
import type { AccessInit } from "./port.ts";

/** A leaf that waits in a service's outbox. Only what delivery needs is in clear. */
export type LeafDocument = Document & {
  /** `acc_...` */
  readonly id: string;
  /** UTC milliseconds since 1970. */
  readonly timeMs: number;
  /** Whether `partition` is a patient's. */
  readonly patient: boolean;
  /** Nonce (32 bytes) and body, sealed. */
  readonly sealed: Uint8Array;
  /** Trace of the access's call, where it is traced. Not part of the entry. */
  readonly trace?: string | undefined;
};

/** The outbox. Every service that writes leaves declares it in its store. */
export const leavesCollection: CollectionDeclaration = {
  name: "leaves",
  key: ["partition", "id"],
  indexes: [{ name: "byTime", fields: ["timeMs", "id"] }],
};

/** The intake's limit (proto-internal/wellapi/internal/audit/v1/audit_intake_service.proto). */
const MAX_BODY_BYTES = 16_384;

/**
 * A leaf of an access. The body is the exact bytes of the message: protobuf-es writes fields in the order of
 * their numbers, and Access has no maps, so equal accesses have equal bytes. Throws `leaf_too_large`.
 */
export function createLeafDocument(
  deps: { readonly ids: Ids; readonly clock: Clock; readonly sealer: LeafSealer },
  partition: string,
  patient: boolean,
  init: AccessInit,
  trace: string | undefined = currentTrace(),
): LeafDocument {
  // A message that is given belongs to the caller.
  const access = isMessage(init, AccessSchema) ? clone(AccessSchema, init) : create(AccessSchema, init);
  const id = access.id || deps.ids.next("acc");
  const time = access.time ?? timestampFromMs(deps.clock.now());
  Object.assign(access, { id, time });
  const body = toBinary(AccessSchema, access);
  if (body.length > MAX_BODY_BYTES)
    throw new AccessLogError("leaf_too_large", `an access of ${body.length} bytes is above 16 KiB`);
  const secret = new Uint8Array(NONCE_BYTES + body.length);
  secret.set(randomFromPool(NONCE_BYTES));
  secret.set(body, NONCE_BYTES);
  const sealed = deps.sealer.seal(partition, id, secret);
  return { partition, id, timeMs: timestampMs(time), patient, sealed, trace };
}

/** The leaf as the intake takes it. Throws `tampered` if it does not open. */
export function openLeafDocument(
  sealer: LeafSealer,
  document: LeafDocument,
): MessageInitShape<typeof LeafSchema> & { readonly body: Uint8Array } {
  const { partition, id, timeMs, patient } = document;
  const secret = sealer.open(partition, id, document.sealed);
  const body = secret.subarray(NONCE_BYTES);
  return {
    id,
    partition: patient ? partition : "",
    organization: fromBinary(AccessSchema, body).organization,
    timeMs: BigInt(timeMs),
    nonce: secret.subarray(0, NONCE_BYTES),
    body,
  };
}

/** A leaf's bytes in the reserve file. Sealed fields stay sealed. */
export function encodeLeafDocument(document: LeafDocument): Uint8Array {
  const sealed = Buffer.from(document.sealed).toString("base64");
  return Buffer.from(JSON.stringify({ ...document, sealed }));
}

/** The inverse of `encodeLeafDocument`. Throws `tampered` for anything else. */
export function decodeLeafDocument(bytes: Uint8Array): LeafDocument {
  try {
    const { partition, id, timeMs, patient, sealed } = JSON.parse(Buffer.from(bytes).toString());
    const types = [partition, id, timeMs, patient, sealed].map((one) => typeof one);
    if (types.join() !== "string,string,number,boolean,string")
      throw new TypeError("a field is not of its type");
    return { partition, id, timeMs, patient, sealed: new Uint8Array(Buffer.from(sealed, "base64")) };
  } catch (cause) {
    throw new AccessLogError("tampered", "a record of the reserve is no leaf", { cause });
  }
}
