import { Code, ConnectError } from "@connectrpc/connect";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { problemError, problemOf, type Violation } from "@wellapi/grpc-client";

/** Header of each answer with the call's id: quote the id when you ask the operator about a call. */
const requestIdHeader = "x-request-id";

/**
 * A failed call, with the exchange's reason. Every connection of this library throws it in place of Connect's error.
 * It is a ConnectError (and keeps that `name`, by which Connect recognises its errors), so it also has `code`,
 * `rawMessage` and `findDetails`.
 */
export class WellApiError extends ConnectError {
  /** UPPER_SNAKE_CASE, of google.rpc.ErrorInfo: `CONSENT_REQUIRED`. The code's name if another server answered. */
  readonly reason: string;
  /** The invalid fields; empty if the error is about none. */
  readonly violations: readonly Violation[];
  /** The delay that the server requests before a retry (google.rpc.RetryInfo). */
  readonly retryAfterMs: number | undefined;
  /** The call's id in the server's logs. Undefined if no server answered. */
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

  /** Wraps any caught value. */
  static override from(caught: unknown, code?: Code): WellApiError {
    return caught instanceof WellApiError ? caught : new WellApiError(ConnectError.from(caught, code));
  }

  /** Wraps a failure inside an answer: of one batch, while the stream continues. */
  static ofFailure({ code, reason, message, violations, retryAfterMs }: Failure): WellApiError {
    const delay = retryAfterMs > 0 ? { retryAfterMs } : {};
    // A code of a later version is as unknown as UNKNOWN.
    const known = Code[code] === undefined ? Code.Unknown : (code as Code);
    return new WellApiError(problemError({ code: known, reason, message, violations, ...delay }));
  }

  /** ConnectError recognises its instances by shape; a WellApiError must be an instance of this class. */
  static override [Symbol.hasInstance](value: unknown): value is WellApiError {
    return typeof value === "object" && value !== null && #made in value;
  }

  /**
   * Whether a retry of the call may succeed: its connection or server ended, or the server requests a
   * delay. The effect of the call is then unknown, so repeat only what is safe to repeat.
   */
  get transient(): boolean {
    return transientCodes.has(this.code) || this.retryAfterMs !== undefined;
  }
}

const transientCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  // Connect's client reports a killed server with this code; if the caller cancels, its signal is aborted.
  Code.Canceled,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
]);

/**
 * - `cut`: an answer ended before it was complete. Data is missing: ask again.
 * - `verification`: a proof of the log failed.
 * - `break`: the log declares the loss of entries that the checkpoint covers, so they cannot be proven.
 * - `input`: an argument is malformed.
 */
export type ClientErrorCode = "cut" | "verification" | "break" | "input";

/** A failure that this library detects. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
