import { Code } from "@connectrpc/connect";
import type { Problem, ProblemCarrier } from "@wellapi/rpc";

const problems = {
  unknown_code_system: {
    code: Code.NotFound,
    reason: "UNKNOWN_CODE_SYSTEM",
    message:
      "this code system, or this version of it, is not known here: nobody can tell what its codes mean; an operator loads releases with wellapi terminology load",
  },
  unknown_code: {
    code: Code.NotFound,
    reason: "UNKNOWN_CODE",
    message: "the code system has no such code, as far as it is known here",
  },
  unknown_value_set: {
    code: Code.NotFound,
    reason: "UNKNOWN_VALUE_SET",
    message: "this value set, or this version of it, is not known here: check its canonical URL",
  },
  unknown_concept_map: {
    code: Code.NotFound,
    reason: "UNKNOWN_CONCEPT_MAP",
    message: "this concept map is not known here: check its canonical URL",
  },
  system_required: {
    code: Code.InvalidArgument,
    reason: "SYSTEM_REQUIRED",
    message: "name the code system: this value set has codes of several, or none is named at all",
  },
  expansion_too_costly: {
    code: Code.FailedPrecondition,
    reason: "EXPANSION_TOO_COSTLY",
    message:
      "this value set has no end, or more codes than are listed: ask for codes one by one, or narrow it with a filter",
  },
  unknown_release: {
    code: Code.NotFound,
    reason: "NOT_FOUND",
    message: "there is no such release; check the id",
  },
  release_exists: {
    code: Code.AlreadyExists,
    reason: "RELEASE_EXISTS",
    message: "this version was loaded whole: delete it first, or load another version",
  },
  release_not_loading: {
    code: Code.FailedPrecondition,
    reason: "RELEASE_NOT_LOADING",
    message: "the release takes no concepts any more: it answers already, or is being deleted",
  },
  concepts_missing: {
    code: Code.FailedPrecondition,
    reason: "CONCEPTS_MISSING",
    message:
      "the release has another number of concepts than this call says: create it again, and go on from its number",
  },
} as const satisfies Readonly<Record<string, Problem>>;

export type CodesErrorCode = keyof typeof problems;

/** The service's one error. No message holds what the caller sent. */
export class CodesError extends Error implements ProblemCarrier {
  override readonly name = "CodesError";
  readonly code: CodesErrorCode;
  readonly problem: Problem;

  constructor(code: CodesErrorCode, options?: ErrorOptions) {
    super(problems[code].message, options);
    this.code = code;
    this.problem = problems[code];
  }
}
