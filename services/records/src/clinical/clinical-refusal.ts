import { RecordsError, type RecordsErrorCode } from "../errors.ts";
import type { ItemViolation } from "../write/judgement.ts";

/** Reasons of a rejected item that are errors of their own where the item is the whole call. */
const ofTheCall: Readonly<Record<string, RecordsErrorCode>> = {
  NOT_FOUND: "NOT_FOUND",
  ETAG_MISMATCH: "ETAG_MISMATCH",
  MATCHES_SEVERAL: "MATCHES_SEVERAL",
  SCOPE_REQUIRED: "SCOPE_REQUIRED",
  POLICY_DENIED: "POLICY_DENIED",
  RECORD_FROZEN: "RECORD_FROZEN",
};

/** The error of a call of one item that was rejected. */
export function refusalOf(violations: readonly ItemViolation[]): RecordsError {
  const reason = violations[0]?.reason ?? "";
  const code = ofTheCall[reason];
  if (code !== undefined) return new RecordsError(code);
  // The closer reason is the log's: the caller gets what it gets for other data.
  if (reason.startsWith("CONSENT_")) return new RecordsError("CONSENT_REQUIRED", { logged: reason });
  return new RecordsError("INVALID_FIELD", { violations: violations.map((one) => ({ ...one })) });
}
