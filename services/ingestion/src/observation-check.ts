import type { CheckContext, Findings, ObservationItem, Quantity } from "./item.ts";
import {
  checkCode,
  checkCodedValue,
  checkComponentSet,
  checkDevice,
  checkKind,
  checkUnitOf,
} from "./item-code.ts";
import { checkStart, EARLIEST_TIME_MS, inFuture, isInFuture, tooEarly } from "./item-times.ts";
import type { Violation } from "./violation.ts";
import type { CodeRule, Vocabulary } from "./vocabulary.ts";

const valueFields = { quantity: "quantity", coded: "coded", components: "components" } as const;

/** Everything that is wrong with an observation. */
export function checkObservation(
  item: ObservationItem,
  vocabulary: Vocabulary,
  context: CheckContext,
): Findings {
  const { field } = context;
  const { rule, violations } = checkCode(vocabulary, item.code, field);
  violations.push(...checkDevice(item.device, field));
  if (rule !== undefined) violations.push(...checkValue(item, rule, vocabulary, field));
  const fields = {
    instant: `${field}.effective_time`,
    local: `${field}.local_effective_time`,
    offset: `${field}.utc_offset_minutes`,
  };
  const start = checkStart(item.start, item.offsetMinutes, fields, context);
  violations.push(...start.violations);
  if (start.utcMs !== undefined) {
    const at = item.start.kind === "local" ? fields.local : fields.instant;
    if (start.utcMs < EARLIEST_TIME_MS) violations.push({ field: at, ...tooEarly });
    if (isInFuture(start.utcMs, context)) violations.push({ field: at, ...inFuture });
  }
  return { violations, resolved: start.resolved };
}

function checkValue(
  item: ObservationItem,
  rule: CodeRule,
  vocabulary: Vocabulary,
  field: string,
): Violation[] {
  const { value, code } = item;
  const wrong = checkKind(rule, value.kind, valueFields, field);
  if (wrong.length > 0) return wrong;
  switch (value.kind) {
    case "quantity":
      return checkQuantity(vocabulary, code.code, value.quantity, `${field}.quantity`);
    case "coded":
      return rule.kind === "coded" ? checkCodedValue(rule, value.coding, `${field}.coded`) : [];
    case "components": {
      if (rule.kind !== "components") return [];
      const at = `${field}.components.components`;
      return [
        ...checkComponentSet(
          rule,
          value.components.map(({ coding }) => coding),
          at,
        ),
        ...value.components.flatMap(({ coding, quantity }, i) =>
          checkQuantity(vocabulary, coding.code, quantity, `${at}[${i}].quantity`),
        ),
      ];
    }
  }
}

function checkQuantity(
  vocabulary: Vocabulary,
  code: string,
  { value, unit }: Quantity,
  field: string,
): Violation[] {
  const violations = checkUnitOf(vocabulary, code, unit, `${field}.unit`);
  const mantissa = BigInt(value.replace(/[-.]/g, ""));
  if (mantissa > BigInt(Number.MAX_SAFE_INTEGER)) {
    violations.push({
      field: `${field}.value`,
      reason: "VALUE_OUT_OF_RANGE",
      description: "has too many digits: without its point it must lie within ±(2^53−1)",
    });
  }
  return violations;
}
