import {
  ConnectError,
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { assertInterceptors } from "../interceptors/step.ts";
import type { Problem } from "../problem.ts";
import { problemError } from "../status.ts";
import type { Next } from "./invoke.ts";
import { type StartedCall, type StartedStream, startStream, startUnary } from "./started-call.ts";
import { compressionOf, unreadBodyKey } from "./unread-body.ts";

/** What a router of Connect is given, so that its handlers admit a call before they read its body. */
export interface ConnectAdmission {
  readonly requestGate: (context: HandlerContext) => Promise<void>;
  readonly interceptors: Interceptor[];
  /** Whether the call of this context has come to the interceptors: then they have logged it. */
  begun(values: HandlerContext["values"]): boolean;
}

const startedKey = createContextKey<StartedCall | undefined>(undefined, { description: "started call" });
const startedStreamKey = createContextKey<StartedStream | undefined>(undefined, {
  description: "started stream",
});

/**
 * Connect runs its interceptors behind the decoded message of a unary call, but a request gate before it. The gate
 * runs the steps up to `body`; the one interceptor that Connect sees goes on from there. A stream waits there for its
 * turn, before Connect has made anything of its answer, which is most of what a waiting stream would hold.
 */
export function createConnectAdmission(options: {
  /** From `serverInterceptors(...)`. */
  readonly interceptors: readonly Interceptor[];
  /** The problem of a body that Connect could not read; undefined for an error of another kind. */
  readonly describe: (error: ConnectError) => Problem | undefined;
  /** Resolves when an admitted stream may begin; at once unless given. */
  readonly turn?: (values: ContextValues) => Promise<void> | undefined;
}): ConnectAdmission {
  const { interceptors, describe, turn } = options;
  assertInterceptors(interceptors);
  /** Connect's own errors have no reason. */
  const unread = (reason: unknown): unknown => {
    if (!(reason instanceof ConnectError) || reason.findDetails(ErrorInfoSchema).length > 0) return reason;
    const problem = describe(reason);
    return problem === undefined ? reason : problemError(problem);
  };
  return {
    async requestGate(context) {
      const { values, method } = context;
      const compression = compressionNamed(context);
      if (method.methodKind === "unary") {
        values.set(startedKey, await startUnary(interceptors, context, { compression, unread }));
        return;
      }
      const begin = async () => turn?.(values);
      values.set(startedStreamKey, await startStream(interceptors, context, { compression, turn: begin }));
    },
    interceptors: [
      (next) => async (request) => {
        const { contextValues } = request;
        if (request.stream) {
          return startedBy(contextValues.get(startedStreamKey)).proceed(request.message, next as Next);
        }
        return startedBy(contextValues.get(startedKey)).proceed(request.message, next as Next);
      },
    ],
    begun: (values) => values.get(unreadBodyKey) !== undefined,
  };
}

function startedBy<T>(started: T | undefined): T {
  if (started === undefined) throw new TypeError("the router has no request gate");
  return started;
}

/** The compression of the request, as each of the protocols names it. */
function compressionNamed({ requestHeader, requestMethod, url }: HandlerContext): string | undefined {
  if (requestMethod === "GET") return compressionOf(new URL(url).searchParams.get("compression"));
  for (const name of ["content-encoding", "connect-content-encoding", "grpc-encoding"]) {
    const compression = compressionOf(requestHeader.get(name));
    if (compression !== undefined) return compression;
  }
  return undefined;
}
