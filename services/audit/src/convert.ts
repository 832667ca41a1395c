import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Access,
  Access_Outcome,
  Access_Phase,
  AccessSchema,
  type LoggedAccessSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import type { Leaf } from "@wellapi/gen/wellapi/internal/audit/v1/audit_intake_service_pb";
import {
  Actor_Kind,
  type TimeInterval,
  type TimeIntervalSchema,
} from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { NONCE_BYTES } from "@wellapi/log-verifier";
import { INSTALLATION_PARTITION, type IncomingLeaf, type Interval } from "./access.ts";
import type { ReadAccess } from "./access-reader.ts";
import { invalidField } from "./errors.ts";

/** The organization of an entry's body; empty where it names none. Throws where the body is no `Access`. */
export function organizationOf(body: Uint8Array): string {
  return fromBinary(AccessSchema, body).organization;
}

/**
 * A leaf of a request. Throws `invalid_field` where the leaf disagrees with its own body: the listed access must be
 * the proven one.
 */
export function toIncomingLeaf(leaf: Leaf, position: number): IncomingLeaf {
  const field = `leaves[${position}]`;
  let access: Access;
  try {
    access = fromBinary(AccessSchema, leaf.body);
  } catch {
    throw invalidField(`${field}.body`, "must be the bytes of an Access", "NOT_AN_ACCESS");
  }
  const { id, organization, method, phase, outcome, actor, reason, items } = access;
  if (id !== leaf.id) throw invalidField(`${field}.id`, "must be the id in the body", "ID_DIFFERS");
  if (organization !== leaf.organization)
    throw invalidField(
      `${field}.organization`,
      "must be the organization in the body",
      "ORGANIZATION_DIFFERS",
    );
  if (leaf.partition !== "" && !leaf.partition.includes("/"))
    throw invalidField(`${field}.partition`, "must be a patient's partition or empty", "PARTITION_INVALID");
  const timeMs = Number(leaf.timeMs);
  if (!Number.isSafeInteger(timeMs))
    throw invalidField(`${field}.time_ms`, "must be UTC milliseconds since 1970", "TIME_INVALID");
  return {
    id,
    partition: leaf.partition === "" ? INSTALLATION_PARTITION : leaf.partition,
    organization: organization === "" ? undefined : organization,
    timeMs,
    call: {
      method,
      phase: phases[phase],
      permitted: outcome === Access_Outcome.PERMITTED,
      application: actor?.kind === Actor_Kind.APPLICATION ? actor.id : "",
      reason,
      items,
    },
    nonce: leaf.nonce,
    body: leaf.body,
  };
}

const phases = {
  [Access_Phase.UNSPECIFIED]: "call",
  [Access_Phase.CALL]: "call",
  [Access_Phase.OPENED]: "opened",
  [Access_Phase.CHANGED]: "changed",
  [Access_Phase.CLOSED]: "closed",
} as const;

export function toLoggedAccess({
  stored,
  organization = "",
  secret,
  damaged,
  index,
}: ReadAccess): MessageInitShape<typeof LoggedAccessSchema> {
  const { id, timeMs } = stored;
  const known = { id, index: BigInt(index ?? -1), damaged };
  if (damaged) return known;
  if (secret === undefined) {
    return { ...known, access: create(AccessSchema, { id, time: timestampFromMs(timeMs), organization }) };
  }
  const nonce = secret.subarray(0, NONCE_BYTES);
  const body = secret.subarray(NONCE_BYTES);
  return { ...known, access: fromBinary(AccessSchema, body), body, nonce };
}

export function toInterval(interval: TimeInterval | undefined): Interval {
  return {
    ...(interval?.startTime === undefined ? {} : { from: timestampMs(interval.startTime) }),
    ...(interval?.endTime === undefined ? {} : { to: timestampMs(interval.endTime) }),
  };
}

/** Open ends are absent. */
export function intervalMessage({ from, to }: Interval): MessageInitShape<typeof TimeIntervalSchema> {
  return {
    ...(from !== undefined && { startTime: timestampFromMs(from) }),
    ...(to !== undefined && { endTime: timestampFromMs(to) }),
  };
}
