import { Code } from "@connectrpc/connect";
import type { Problem } from "@wellapi/rpc";

export type Outcome = "permitted" | "denied" | "undecided";

/** Reasons whose outcome differs from the outcome of their status code. */
const byReason: Readonly<Record<string, Outcome>> = {
  UNDECIDED: "undecided",
  // The call was permitted, but the data was damaged.
  DATA_DAMAGED: "permitted",
};

/** The caller was denied. */
const denials: ReadonlySet<Code> = new Set([
  Code.PermissionDenied,
  Code.NotFound,
  Code.FailedPrecondition,
  Code.Aborted,
]);

/** The request itself is wrong. Where data was read the answer may depend on it, so the call leaves an entry, too. */
const faults: ReadonlySet<Code> = new Set([Code.InvalidArgument, Code.OutOfRange, Code.AlreadyExists]);

/**
 * The outcome of a failed call in its entry; undefined if it leaves none. A failure of the installation
 * (UNAVAILABLE, INTERNAL, DATA_LOSS) releases and stores nothing, and an entry for each attempt would use up the
 * reserve that reads need.
 */
export function outcomeOf(problem: Problem, rule: "data" | "change"): Outcome | undefined {
  const named = byReason[problem.reason];
  if (named !== undefined) return named;
  if (denials.has(problem.code)) return "denied";
  return rule === "data" && faults.has(problem.code) ? "denied" : undefined;
}
