import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { problemOf } from "@wellapi/rpc";
import type { GrpcReply, Outcome } from "./grpc-probe.ts";

/** UPPER_SNAKE_CASE where the service refused and said why; else what became of the call. */
export function reasonOrOutcome({ outcome, details }: GrpcReply): Outcome {
  if (details === undefined) return outcome;
  const error = findTrailerError(new Headers({ "grpc-status": "2", "grpc-status-details-bin": details }));
  return error === undefined ? outcome : problemOf(error).reason;
}
