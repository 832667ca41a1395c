import { Code, ConnectError } from "@connectrpc/connect";
import { problemOf } from "@wellapi/rpc";

/** What a command can end with; scripts tell them apart by the exit code. */
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

const exitCodes: Record<CliFailure, number> = {
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
  [Code.DataLoss, 9],
]);

export const exitCodeHelp = `
Exit codes: 0 done, 1 unexpected, 2 usage, 3 credential refused, 4 not permitted, 5 not found, 6 conflict,
7 unavailable (try again), 8 bad input, 9 verification failed or data damaged, 10 the log declared a break`;

/** What is printed to stderr and how the process ends. */
export function describeFailure(error: unknown): { exitCode: number; lines: string[]; json: object } {
  if (error instanceof CliError) {
    return {
      exitCode: exitCodes[error.code],
      lines: [error.message],
      json: { error: { reason: error.code.toUpperCase(), message: error.message } },
    };
  }
  if (error instanceof ConnectError) {
    const problem = problemOf(error);
    // Every error of the exchange has a reason of its own; this one never reached it.
    const unreachable = problem.reason === "UNAVAILABLE";
    const message = unreachable
      ? `${error.rawMessage}: is the exchange running? Start it with "make start", or name it with --url or --grpc-url`
      : problem.message;
    const lines = [`${problem.reason || Code[error.code]}: ${message}`];
    for (const violation of problem.violations ?? [])
      lines.push(`  ${violation.field}: ${violation.description}`);
    if (problem.retryAfterMs) lines.push(`  try again in ${problem.retryAfterMs} ms`);
    return {
      exitCode: exitCodesByStatus.get(error.code) ?? 1,
      lines,
      json: { error: { ...problem, code: Code[error.code], message } },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: 1, lines: [message], json: { error: { reason: "UNEXPECTED", message } } };
}
