import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { Code } from "@connectrpc/connect";
import type { Problem, Violation } from "../problem.ts";
import type { Route } from "../wire/route.ts";
import { longList } from "./list-limits.ts";
import { remedyOf } from "./remedy.ts";

const patterns = new Map<string, RegExp>();

/**
 * By the engine of JavaScript, ten times as fast as protovalidate's own RE2 in JavaScript. The patterns are the contracts' own:
 * each is known when the process starts, and `make security` shows that each takes a time in proportion to its input.
 */
function matches(pattern: string, text: string): boolean {
  const compiled = patterns.get(pattern) ?? new RegExp(pattern, "u");
  patterns.set(pattern, compiled);
  return compiled.test(text);
}

/** Compiled rules are cached inside: one for the process. */
const validator = createValidator({ regexMatch: matches });

/** Most violations of one answer: a batch of thousands of bad items must not make an answer as large. */
const maximumViolations = 50;

/** The rules of the contract (protovalidate) that the message breaks, or undefined. */
export function validateMessage<S extends DescMessage>(
  schema: S,
  message: MessageShape<S>,
): Problem | undefined {
  // Reported alone: the validator would check every item of the list first, however long it is.
  const tooLong = longList(schema, message, "validated");
  if (tooLong !== undefined) return invalidFields([tooLong]);
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return undefined;
  if (result.kind === "error") throw result.error;
  const long = longList(schema, message, "all");
  if (long !== undefined) return invalidFields([long]);
  return invalidFields(
    result.violations.slice(0, maximumViolations).map((violation) => ({
      field: pathToString(violation.field),
      description: remedyOf(violation),
      reason: violation.ruleId.replaceAll(/[^A-Za-z0-9]+/g, "_").toUpperCase(),
    })),
  );
}

/** INVALID_ARGUMENT, INVALID_FIELD with each violation; the message names the first. */
export function invalidFields(violations: readonly Violation[]): Problem {
  const [first] = violations;
  const rest = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return {
    code: Code.InvalidArgument,
    reason: "INVALID_FIELD",
    message: first === undefined ? "a field is not valid" : `${first.field}: ${first.description}${rest}`,
    violations,
  };
}

/** Compiles the rules of every request, so that no first caller pays for it (70 ms for the first). */
export function warmValidation(routes: readonly Route[]): void {
  for (const { service } of routes) {
    for (const method of service.methods) validator.validate(method.input, create(method.input));
  }
}
