import { Code, ConnectError } from "@connectrpc/connect";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError, problemOf, type Violation } from "@wellapi/grpc-client";

/** Header in which each answer carries the call's id: name it when you ask the operator about a call. */
const requestIdHeader = "x-request-id";

/**
 * A call that failed, as the exchange tells it. Every connection of this library throws it in place of Connect's error.
 * It is a ConnectError (its `name` stays that, by which Connect recognises its errors), so `code`, `rawMessage` and
 * `findDetails` are there, too.
 */
export class WellApiError extends ConnectError {
  /** UPPER_SNAKE_CASE, of google.rpc.ErrorInfo: `CONSENT_REQUIRED`. The code's name where another server answered. */
  readonly reason: string;
  /** The fields that are wrong; empty where the error is about none. */
  readonly violations: readonly Violation[];
  /** The server asks for this delay before the call is sent again (google.rpc.RetryInfo). */
  readonly retryAfterMs: number | undefined;
  /** The call's id in the server's logs. Undefined where no server answered. */
  readonly requestId: string | undefined;
  readonly #made = true;

  private constructor(error: ConnectError) {
    super(error.rawMessage, error.code, error.metadata, undefined, error.cause);
    this.details = error.details;
    const { reason, violations = [], retryAfterMs } = problemOf(error);
    this.reason = reason;
    this.violations = violations;
    this.retryAfterMs = retryAfterMs;
    this.requestId = error.metadata.get(requestIdHeader) ?? undefined;
  }

  /** Any value that was caught. */
  static override from(caught: unknown, code?: Code): WellApiError {
    return caught instanceof WellApiError ? caught : new WellApiError(ConnectError.from(caught, code));
  }

  /** A failure inside an answer, of a batch of a stream that goes on. */
  static ofFailure({ code, reason, message, violations, retryAfterMs }: Failure): WellApiError {
    const delay = retryAfterMs > 0 ? { retryAfterMs } : {};
    return new WellApiError(problemError({ code: code as Code, reason, message, violations, ...delay }));
  }

  /** ConnectError recognises its kind by shape; a WellApiError is one that this class has made. */
  static override [Symbol.hasInstance](value: unknown): value is WellApiError {
    return typeof value === "object" && value !== null && #made in value;
  }

  /**
   * Whether the call may succeed when it is sent again: a connection or a server ended under it, or the server names a
   * delay. What it did is then unknown, so repeat only what is safe to repeat.
   */
  get transient(): boolean {
    return transientCodes.has(this.code) || this.retryAfterMs !== undefined;
  }
}

const transientCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  // Connect's client calls the end of a server that was killed so; a caller who cancels has its signal aborted.
  Code.Canceled,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
]);

/**
 * - `cut`: an answer ended before it was whole. What came is not all: ask again.
 * - `verification`: the log did not prove what it showed.
 * - `break`: the log declares that it lost entries which the checkpoint covers, so nobody can prove them.
 * - `input`: what was passed is not of its form.
 */
export type ClientErrorCode = "cut" | "verification" | "break" | "input";

/** A failure that this library finds by itself. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
