import { Code, ConnectError } from "@connectrpc/connect";
import { AccessLogError } from "@wellapi/access-log";
import { EnforcerError } from "@wellapi/enforcer";
import { StoreError } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import { RecordsError } from "../errors.ts";

/** Maps a failure of a lower layer to the caller's error. An unknown failure stays, and becomes INTERNAL. */
export function asRecordsError(error: unknown): unknown {
  if (error instanceof EnforcerError) {
    const damaged = error.cause instanceof ConnectError && error.cause.code === Code.DataLoss;
    return new RecordsError(damaged ? "STORE_DAMAGED" : "UNDECIDED", { cause: error });
  }
  if (error instanceof AccessLogError && error.code === "unavailable") {
    return new RecordsError("LOG_UNAVAILABLE", { cause: error });
  }
  if (error instanceof StoreError && error.code === "unavailable") {
    return new RecordsError(error.full ? "DISK_FULL" : "STORE_UNAVAILABLE", { cause: error });
  }
  if (error instanceof StoreError && error.code === "damaged") {
    return new RecordsError("STORE_DAMAGED", { cause: error });
  }
  // Nothing of the patient opens: the wrapped key is damaged, or the whole file of wrapped keys.
  if (error instanceof VaultError && error.code === "damaged") {
    const code = error.cause instanceof StoreError ? "STORE_DAMAGED" : "DATA_DAMAGED";
    return new RecordsError(code, { cause: error });
  }
  if (error instanceof VaultError && error.code === "unavailable") {
    return new RecordsError("STORE_UNAVAILABLE", { cause: error });
  }
  // An erased patient has no consents either.
  if (error instanceof VaultError && error.code === "destroyed") {
    return new RecordsError("CONSENT_REQUIRED", { cause: error, logged: "ERASED" });
  }
  // Another service did not answer, so the call cannot be decided.
  if (
    error instanceof ConnectError &&
    (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded)
  ) {
    return new RecordsError("UNDECIDED", { cause: error });
  }
  return error;
}
