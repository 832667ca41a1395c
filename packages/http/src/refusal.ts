import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString } from "@connectrpc/connect/protocol-connect";
import { problemFor } from "@wellapi/rpc";
import type { FastifyReply } from "fastify";

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

/** For public files: a failure says only whether to try again. */
export function fileRefusalOf(error: unknown): Refusal {
  if (error instanceof ConnectError && error.code === Code.Unavailable) return partUnavailable;
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

/** Sends it; a cache must never store it. */
export function sendRefusal(
  reply: FastifyReply,
  { status, problem, retryAfterSeconds }: Refusal,
): FastifyReply {
  reply.code(status).header("cache-control", "no-store");
  if (retryAfterSeconds !== undefined) reply.header("retry-after", String(retryAfterSeconds));
  return reply.send(problem);
}
