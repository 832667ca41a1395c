import { Code, ConnectError } from "@connectrpc/connect";
import { ClientError, WellApiError } from "@wellapi/client";

/** Kinds of failure of a command; scripts distinguish them by the exit code. */
export type CliFailure = "usage" | "input" | "verification" | "damage" | "break" | "cut";

/** The command's own failures. */
export class CliError extends Error {
  readonly code: CliFailure;
  constructor(code: CliFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}

export const exitCodes: Record<CliFailure, number> = {
  usage: 2,
  input: 8,
  verification: 9,
  damage: 9,
  break: 10,
  cut: 7,
};

/** Exit codes by gRPC status, so that a script can tell what to do next. */
const exitCodesByStatus = new Map<Code, number>([
  [Code.Unauthenticated, 3],
  [Code.PermissionDenied, 4],
  [Code.NotFound, 5],
  [Code.AlreadyExists, 6],
  [Code.Aborted, 6],
  [Code.FailedPrecondition, 6],
  [Code.Unavailable, 7],
  [Code.DeadlineExceeded, 7],
  [Code.ResourceExhausted, 7],
  [Code.InvalidArgument, 8],
  [Code.OutOfRange, 8],
  [Code.DataLoss, 9],
]);

export const exitCodeHelp = `
Exit codes: 0 done, 1 unexpected, 2 usage, 3 credential refused, 4 not permitted, 5 not found, 6 conflict,
7 unavailable (try again), 8 bad input, 9 verification failed or data damaged, 10 the log declared a break`;

/** `connect` of connection.ts decides which credential is sent. */
const credentialHint = `  sent was the first of --as-patient, --token-file (WELLAPI_TOKEN), --credentials, --api-key-file (WELLAPI_API_KEY)
  and the sign-in of \`wellapi login\`: is it whole, and made by the exchange at --url?`;

/** What is printed to stderr, and the exit code. */
export function describeFailure(error: unknown): { exitCode: number; lines: string[]; json: object } {
  if (error instanceof CliError || error instanceof ClientError) {
    return {
      exitCode: exitCodes[error.code],
      lines: [error.message],
      json: { error: { reason: error.code.toUpperCase(), message: error.message } },
    };
  }
  if (error instanceof ConnectError) {
    const { code, reason, rawMessage, violations, retryAfterMs } = WellApiError.from(error);
    // Every error of the exchange has a specific reason; without one the call never reached the exchange.
    const unreachable = reason === "UNAVAILABLE";
    const message = unreachable
      ? `${rawMessage}: is the exchange running? Start it with "make start", or name it with --url or --grpc-url`
      : rawMessage;
    const lines = [`${reason || Code[code]}: ${message}`];
    for (const { field, description } of violations) {
      // Of a single one the message may be the very text.
      if (`${field}: ${description}` !== message) lines.push(`  ${field}: ${description}`);
    }
    if (reason === "CREDENTIAL_INVALID") lines.push(credentialHint);
    if (retryAfterMs) lines.push(`  try again in ${retryAfterMs} ms`);
    const details = {
      ...(violations.length > 0 ? { violations } : {}),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
    return {
      exitCode: exitCodesByStatus.get(code) ?? 1,
      lines,
      json: { error: { code: Code[code], reason, message, ...details } },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const kind = kindOf(error);
  if (kind !== undefined) {
    return {
      exitCode: exitCodes[kind],
      lines: [message],
      json: { error: { reason: kind.toUpperCase(), message } },
    };
  }
  return { exitCode: 1, lines: [message], json: { error: { reason: "UNEXPECTED", message } } };
}

/** Files that cannot be read or written as a command line names them, and settings that are not valid. */
function kindOf(error: unknown): CliFailure | undefined {
  if (!(error instanceof Error && "code" in error)) return undefined;
  if (error.code === "invalid-config") return "usage"; // ConfigError: its package is loaded by few commands
  return fileErrors.has(error.code) && "path" in error ? "input" : undefined;
}

const fileErrors: ReadonlySet<unknown> = new Set(["ENOENT", "EACCES", "EISDIR", "ENOTDIR", "EPERM", "EROFS"]);
