import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { type Failure, FailureSchema } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { errorDomain, type Problem, problemError, problemOf, reasonOf } from "@wellapi/grpc-client";
import { isProblemCarrier } from "./problem.ts";

export { errorDomain, problemError, problemOf };

/**
 * The reason with which a call's signal aborts at its end. One for all calls: making an error, with its stack, costs
 * more than the abort.
 */
export const callOver = new ConnectError("the call is over", Code.Canceled);

const internal: Problem = { code: Code.Internal, reason: "INTERNAL", message: "internal error" };

const storeUnavailable: Problem = {
  code: Code.Unavailable,
  reason: "STORE_UNAVAILABLE",
  message: "storage is not available, nothing was changed: send the request again after the delay",
  retryAfterMs: 1_000,
};

const diskFull: Problem = {
  code: Code.Unavailable,
  reason: "DISK_FULL",
  message:
    "there is no room to store anything, nothing was changed: reads may go on; send the request again after the delay",
  retryAfterMs: 5_000,
};

const storeDamaged: Problem = {
  code: Code.DataLoss,
  reason: "STORE_DAMAGED",
  message:
    "what is stored for this is damaged: it is no fault of the request, sending it again does not help, and the operator is told",
};

const peerUnavailable: Problem = {
  code: Code.Unavailable,
  reason: "UNAVAILABLE",
  message: "a part of the service is not available: send the request again after the delay",
  retryAfterMs: 1_000,
};

const canceled: Problem = { code: Code.Canceled, reason: "CANCELED", message: "the call was canceled" };

const deadlineExceeded: Problem = {
  code: Code.DeadlineExceeded,
  reason: "DEADLINE_EXCEEDED",
  message: "the deadline passed before the call was finished: whether it took effect is not known",
};

/**
 * The error for the caller of `error`; `unexpected` where the caller learns nothing and operators must see the error.
 */
export interface Description {
  readonly error: ConnectError;
  readonly unexpected: boolean;
}

/** Decides what leaves the process. Never reads `message` of an error that is not meant for callers. */
export function describeError(error: unknown): Description {
  if (error instanceof ConnectError) return describeConnectError(error);
  if (isProblemCarrier(error)) return { error: problemError(error.problem, error), unexpected: false };
  if (error instanceof Error) {
    // The ports' own errors (StoreError, EventsError, VaultError, ...), recognised by shape: their packages
    // are no dependency of this one.
    if (error.name.endsWith("Error") && "code" in error && error.code === "unavailable") {
      const problem = "full" in error && error.full === true ? diskFull : storeUnavailable;
      return { error: problemError(problem, error), unexpected: false };
    }
    // The code that found the damage has logged its place.
    if (error.name.endsWith("Error") && "code" in error && error.code === "damaged") {
      return { error: problemError(storeDamaged, error), unexpected: false };
    }
    if (error.name === "AbortError") return { error: problemError(canceled, error), unexpected: false };
    if (error.name === "TimeoutError") {
      return { error: problemError(deadlineExceeded, error), unexpected: false };
    }
  }
  return { error: problemError(internal, error), unexpected: true };
}

function describeConnectError(error: ConnectError): Description {
  if (error.findDetails(ErrorInfoSchema).length === 1) {
    // One of our services sent it, so it passes. Its metadata does not, because it belongs to another hop.
    const passed = new ConnectError(error.rawMessage, error.code, undefined, undefined, error.cause);
    passed.details = error.details;
    return { error: passed, unexpected: false };
  }
  switch (error.code) {
    case Code.Internal:
    case Code.Unknown:
    case Code.DataLoss:
      return { error: problemError(internal, error), unexpected: true };
    case Code.Unavailable:
      return { error: problemError(peerUnavailable, error), unexpected: false };
    default: {
      const { code, rawMessage } = error;
      const described = problemError({ code, reason: reasonOf(code), message: rawMessage }, error.cause);
      return { error: described, unexpected: false };
    }
  }
}

/** The error with exactly one google.rpc.ErrorInfo, safe to send to a caller. */
export function toConnectError(error: unknown): ConnectError {
  return describeError(error).error;
}

/** The problem of any error, as its caller would get it. */
export function problemFor(error: unknown): Problem {
  return problemOf(toConnectError(error));
}

/** The problem inside a stream's answer, where the stream goes on. */
export function toFailure(problem: Problem): Failure {
  return create(FailureSchema, {
    code: problem.code,
    reason: problem.reason,
    message: problem.message,
    violations:
      problem.violations?.map(({ field, description, reason }) => ({ field, description, reason })) ?? [],
    retryAfterMs: problem.retryAfterMs ?? 0,
  });
}
