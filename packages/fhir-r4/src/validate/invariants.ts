import type { Invariant } from "../definitions.ts";
import { expressionOf, type Finding } from "../finding.ts";
import { Evaluator } from "./evaluator.ts";
import type { Judged } from "./walk.ts";

/** Rules that the evaluator cannot tell, with the reason; test/invariants.test.ts holds that there are no others. */
const untold = new Set<string>([]);

/** HL7's rules in FHIRPath, of the elements that the walk found. The resource has the structure that R4 asks for. */
export function checkInvariants(judged: readonly Judged[], report: (finding: Finding) => void): void {
  const evaluator = new Evaluator();
  for (const { value, type, element, resource, root, place } of judged) {
    const node = { value, type: type.name, resource, root };
    for (const invariant of element ? element.invariants : type.invariants) {
      if (untold.has(invariant.key)) continue;
      const verdict = judgeInvariant(invariant, () => evaluator.isTrue(invariant.expression, node));
      if (verdict) report({ ...verdict, expression: expressionOf(place) });
    }
  }
}

/** Undefined where the rule holds. */
export function judgeInvariant(invariant: Invariant, isTrue: () => boolean): Finding | undefined {
  const { key, severity, human } = invariant;
  try {
    return isTrue() ? undefined : { severity, code: "invariant", text: `${human} (${key})` };
  } catch {
    // What the evaluator throws may quote the resource, so it goes no further.
    return { severity: "warning", code: "incomplete", text: `The rule ${key} could not be judged here` };
  }
}
