import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Credential } from "@wellapi/gen/wellapi/identity/v1/identity_pb";

/** Before its end, and after it, somebody has to do something. */
const nearMs = 14 * 86_400_000;

/** How far a credential is from its end at `now`, UTC milliseconds. `ends`: undefined where it has no end. */
export function endOf({ expireTime, revokeTime }: Credential, now: number) {
  const ends = expireTime && timestampMs(expireTime);
  const expired = revokeTime === undefined && ends !== undefined && ends <= now;
  return {
    ends,
    revoked: revokeTime !== undefined,
    expired,
    /** Whether that is so near, before or after, that the reader is told. */
    near: revokeTime === undefined && ends !== undefined && Math.abs(ends - now) < nearMs,
  };
}
