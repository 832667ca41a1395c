import { Code, type ConnectError } from "@connectrpc/connect";
import type * as grpc from "@grpc/grpc-js";
import { messageTooLarge } from "../checks/request-size.ts";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";

/** Ends the call with the error, and gives what its caller is told. */
type End = (error: ConnectError) => OwnStatus;

/** The status of a call as grpc-js's own calls send it. */
type OwnStatus = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/** Of the calls that run. Their metadata is the one thing of a call that grpc-js shows to interceptors and to handlers. */
const running = new WeakMap<grpc.Metadata, { readonly mostBytes: number; readonly end: End }>();

/** @param mostBytes the largest request of the call's method */
export function whenUnread(metadata: grpc.Metadata, mostBytes: number, end: End): void {
  running.set(metadata, { mostBytes, end });
}

/**
 * grpc-js ends a call by itself where it can't read a message: one beyond its own limit, or one that can't be decompressed. That end has
 * no reason and no request id, and the handler takes it for the client's. Here it becomes an end of the call like any other.
 */
export const explainUnread: grpc.ServerInterceptor = (_method, call) => {
  const { start, sendStatus } = call;
  let metadata: grpc.Metadata | undefined;
  call.start = (listener) => {
    const receive = listener.onReceiveMetadata;
    listener.onReceiveMetadata = (received) => {
      metadata = received;
      receive.call(listener, received);
    };
    start.call(call, listener);
  };
  call.sendStatus = (status) => {
    // Each end of ours has metadata, with its request id.
    const known = metadata === undefined || status.metadata ? undefined : running.get(metadata);
    const problem = known && problemOf(status, known.mostBytes);
    sendStatus.call(call, known && problem ? known.end(problemError(problem)) : status);
  };
  // The call itself: what grpc-js's own call sends passes no wrapper around it.
  return call as grpc.ServerInterceptingCall;
};

function problemOf({ code, details }: OwnStatus, mostBytes: number): Problem | undefined {
  switch (code as number | null | undefined) {
    case Code.ResourceExhausted:
      return messageTooLarge(mostBytes);
    case Code.Internal:
      return details === "Failed to decompress message"
        ? {
            code: Code.InvalidArgument,
            reason: "MALFORMED_MESSAGE",
            message: "the message cannot be decompressed: compress it as grpc-encoding says, or not at all",
          }
        : undefined;
    case Code.Unimplemented:
      return {
        code: Code.Unimplemented,
        reason: "REQUEST_REFUSED",
        message: "the message's compression is not known here: send it with gzip, or uncompressed",
      };
    default:
      return undefined;
  }
}
