import type { Coding, Device } from "./item.ts";
import type { Violation } from "./violation.ts";
import type { CodeRule, Vocabulary } from "./vocabulary.ts";

/** The rule of an item's code, or what is wrong with the code. */
export function checkCode(
  vocabulary: Vocabulary,
  { system, code }: Coding,
  field: string,
): { readonly rule: CodeRule | undefined; readonly violations: Violation[] } {
  const rule = vocabulary.rule(system, code);
  if (rule === undefined) {
    return {
      rule,
      violations: [
        {
          field: `${field}.code`,
          reason: "CODE_UNKNOWN",
          description:
            "is no code that the exchange takes: use a LOINC code of one of the categories, with its system if it is not LOINC",
        },
      ],
    };
  }
  if (!vocabulary.inSomeCategory(code)) {
    return {
      rule: undefined,
      violations: [
        {
          field: `${field}.code`,
          reason: "CODE_IN_NO_CATEGORY",
          description: "is in no category, so no consent can cover it: use a code of one of the categories",
        },
      ],
    };
  }
  return { rule, violations: [] };
}

/** The kinds of value, by the names of their fields. */
export type ValueKind = CodeRule["kind"];

/** Whether the value is of the kind that the code takes. */
export function checkKind(
  rule: CodeRule,
  sent: ValueKind,
  names: Readonly<Record<ValueKind, string>>,
  field: string,
): Violation[] {
  if (rule.kind === sent) return [];
  return [
    {
      field: `${field}.${names[sent]}`,
      reason: "VALUE_KIND_WRONG",
      description: `this code takes \`${names[rule.kind]}\``,
    },
  ];
}

export function checkUnitOf(vocabulary: Vocabulary, code: string, unit: string, field: string): Violation[] {
  const fault = vocabulary.unitFault(code, unit);
  return fault === undefined ? [] : [{ field, reason: fault.reason, description: fault.remedy }];
}

export function checkCodedValue(
  rule: CodeRule & { kind: "coded" },
  { system, code }: Coding,
  field: string,
): Violation[] {
  if (system === rule.valueSystem && rule.values.includes(code)) return [];
  return [
    {
      field,
      reason: "CODED_VALUE_UNKNOWN",
      description: `must be one of ${rule.values.join(", ")} of the system ${rule.valueSystem}`,
    },
  ];
}

/** A panel is sent whole, each component once. `paths[i]` is the path of component `i`. */
export function checkComponentSet(
  rule: CodeRule & { kind: "components" },
  sent: readonly Coding[],
  field: string,
): Violation[] {
  const violations: Violation[] = [];
  const seen = new Set<string>();
  sent.forEach(({ system, code }, i) => {
    const path = `${field}[${i}].code`;
    const known = (system === "" || system === "http://loinc.org") && rule.components.includes(code);
    if (!known) {
      violations.push({
        field: path,
        reason: "COMPONENT_UNKNOWN",
        description: `this code's components are ${rule.components.join(", ")}`,
      });
    } else if (seen.has(code)) {
      violations.push({ field: path, reason: "COMPONENT_REPEATED", description: "send each component once" });
    }
    seen.add(code);
  });
  const missing = rule.components.filter((code) => !seen.has(code));
  if (missing.length > 0) {
    violations.push({
      field,
      reason: "COMPONENT_MISSING",
      description: `send all components of this code: ${missing.join(", ")} is missing`,
    });
  }
  return violations;
}

/** What a device is told by is compared as it is, so what can't be seen in it is refused. */
export function checkDevice(device: Device | undefined, field: string): Violation[] {
  if (device === undefined) return [];
  const violations: Violation[] = [];
  for (const name of ["identifier", "model"] as const) {
    const text = device[name];
    if (/\p{Cc}/u.test(text) || text.trim() !== text) {
      violations.push({
        field: `${field}.device.${name}`,
        reason: "DEVICE_INVALID",
        description: "must have no control characters, and no space at its ends",
      });
    }
  }
  if (device.identifier === "" && device.model !== "") {
    violations.push({
      field: `${field}.device.identifier`,
      reason: "DEVICE_INVALID",
      description:
        "a device needs its identifier, so that two of one model stay apart; or leave the device out",
    });
  }
  return violations;
}
