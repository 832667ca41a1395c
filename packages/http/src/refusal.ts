import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { problemFor, requestIdHeader, type Violation } from "@wellapi/rpc";
import type { Logger } from "@wellapi/runtime";
import type { FastifyReply, FastifyRequest } from "fastify";

/** The body of an error in JSON; `code` is spelled as Connect spells it. */
export interface HttpProblem {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}

/** An answer that is not a success. */
export interface Refusal {
  readonly status: number;
  readonly problem: HttpProblem;
  /** Retry after this many whole seconds. */
  readonly retryAfterSeconds?: number;
}

const internal: HttpProblem = { code: "internal", reason: "INTERNAL", message: "internal error" };

/** The error of a service for its caller, as an RPC would give it. An error that is not meant for callers is hidden. */
export function refusalOf(error: unknown): Refusal {
  const { code, reason, message, retryAfterMs } = problemFor(error);
  return {
    status: codeToHttpStatus(code),
    problem: { code: codeToString(code), reason, message },
    ...(retryAfterMs === undefined
      ? {}
      : { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1_000)) }),
  };
}

/** What of the request is wrong where, as the service that refused it says; empty where it is about no field. */
export function violationsOf(error: unknown): readonly Violation[] {
  return problemFor(error).violations ?? [];
}

/** For public files: a failure says only whether to try again, and when. */
export function fileRefusalOf(error: unknown): Refusal {
  if (error instanceof ConnectError && error.code === Code.Unavailable) return partUnavailable;
  if (error instanceof ConnectError && error.code === Code.ResourceExhausted) return refusalOf(error);
  return { status: 500, problem: internal };
}

export const partUnavailable: Refusal = {
  status: 503,
  retryAfterSeconds: 1,
  problem: {
    code: "unavailable",
    reason: "UNAVAILABLE",
    message: "a part of the service is not available: try again after the delay",
  },
};

/** Errors of Fastify before a route is reached: by status only, because their messages may quote the request. */
export function requestRefusal(error: unknown, limit: number, types: readonly string[]): Refusal | undefined {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  switch (status) {
    case 413:
      return {
        status,
        problem: {
          code: "resource_exhausted",
          reason: "MESSAGE_TOO_LARGE",
          message: `the request is larger than ${limit} bytes: send less at a time`,
        },
      };
    case 415:
      return {
        status,
        problem: {
          code: "unimplemented",
          reason: "UNSUPPORTED_MEDIA_TYPE",
          message: types.length === 0 ? "send no body here" : `send a body as ${types.join(" or ")}`,
        },
      };
    case 400:
      return {
        status,
        problem: {
          code: "invalid_argument",
          reason: "MALFORMED_MESSAGE",
          message: "the body is not what its headers say: correct it and send it again",
        },
      };
    default:
      return undefined;
  }
}

/** Sends it, with the id by which its line in the log is found; a cache must never store it. */
export function sendRefusal(
  reply: FastifyReply,
  { status, problem, retryAfterSeconds }: Refusal,
): FastifyReply {
  markRefused(reply, status);
  if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
  return reply.send(problem);
}

/** What every refusal has, whatever its shape. */
export function markRefused(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).header("cache-control", "no-store").header(requestIdHeader, reply.request.id);
}

/**
 * The one line of a request that was refused before it was a call: calls have their own. Without the path, which can
 * name a patient.
 */
export function logRefusal(
  log: Logger,
  request: FastifyRequest,
  refused: { readonly status: number; readonly reason: string },
): void {
  request.refusedEarly = true;
  const surface = request.routeOptions.config?.surface?.name;
  const { callerAddress } = request;
  log.info(
    {
      method: request.method,
      ...(surface !== undefined && { surface }),
      status: refused.status,
      reason: refused.reason,
      request_id: request.id,
      ...(callerAddress !== undefined && { caller_address: callerAddress }),
    },
    "request refused",
  );
}

/** Refuses a request before any call is made for it: with its line in the log. */
export function refuseRequest(reply: FastifyReply, refusal: Refusal, log: Logger): FastifyReply {
  logRefusal(log, reply.request, { status: refusal.status, reason: refusal.problem.reason });
  return sendRefusal(reply, refusal);
}
