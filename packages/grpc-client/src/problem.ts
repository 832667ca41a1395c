import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";

/** The `domain` of every ErrorInfo of the exchange. */
export const errorDomain = "wellapi.dev";

/** One field that is wrong; `field` is a path from the request's root. */
export interface Violation {
  readonly field: string;
  readonly description: string;
  readonly reason: string;
}

/**
 * The error for a caller. Becomes a status with exactly one google.rpc.ErrorInfo (domain wellapi.dev), with
 * google.rpc.BadRequest for violations and google.rpc.RetryInfo for a retry delay. Carries no health data, token or
 * key.
 */
export interface Problem {
  readonly code: Code;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  /** What is wrong, where, and how to correct it. */
  readonly message: string;
  readonly violations?: readonly Violation[];
  readonly retryAfterMs?: number;
  /** Further facts, for programs, in the ErrorInfo. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The reason of an error without a reason: the name of its code. */
export function reasonOf(code: Code): string {
  return Code[code]!.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** The problem in an error that a client received. An error of a foreign server gets its code's name as reason. */
export function problemOf(error: ConnectError): Problem {
  const info = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === errorDomain);
  const badRequest = error.findDetails(BadRequestSchema)[0];
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    reason: info?.reason ?? reasonOf(error.code),
    message: error.rawMessage,
    ...(info === undefined || Object.keys(info.metadata).length === 0 ? {} : { metadata: info.metadata }),
    ...(badRequest === undefined
      ? {}
      : {
          violations: badRequest.fieldViolations.map(({ field, description, reason }) => ({
            field,
            description,
            reason,
          })),
        }),
    ...(delay === undefined ? {} : { retryAfterMs: Number(delay.seconds) * 1_000 + delay.nanos / 1e6 }),
  };
}

/** The error that carries `problem`. */
export function problemError(problem: Problem, cause?: unknown): ConnectError {
  const { code, reason, message, violations, retryAfterMs, metadata = {} } = problem;
  const error = new ConnectError(message, code, undefined, undefined, cause);
  error.details.push({
    desc: ErrorInfoSchema,
    value: { reason, domain: errorDomain, metadata: { ...metadata } },
  });
  if (violations !== undefined && violations.length > 0) {
    const fieldViolations = violations.map(({ field, description, reason }) => ({
      field,
      description,
      reason,
    }));
    error.details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1_000);
    const retryDelay = {
      seconds: BigInt(seconds),
      nanos: Math.round((retryAfterMs - seconds * 1_000) * 1e6),
    };
    error.details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return error;
}
