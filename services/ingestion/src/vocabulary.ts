import {
  type CodeDefinition,
  type ComponentsCode,
  LOINC,
  type PlausibleRange,
  proposalOf,
  type Terminology,
} from "@wellapi/terminology";
import { type Coding, judgeCoding, judgeText } from "./form.ts";
import { MAX_UNIT } from "./limits.ts";
import { type Violation, violation } from "./violation.ts";

/** The kinds of value that codes have. */
export type ValueKind = CodeDefinition["kind"];

/** The code's definition, or undefined where it cannot judge values; `found` gets the reason. */
export function judgeCode(
  { findCode, findAnyCode, near, categoriesOf }: Terminology,
  coding: Coding | undefined,
  found: Violation[],
): CodeDefinition | undefined {
  if (coding === undefined) {
    found.push(violation("code", "CODE_REQUIRED"));
    return undefined;
  }
  const before = found.length;
  judgeCoding(coding, "code", found);
  if (found.length > before) return undefined;
  const { code, system } = coding;
  const definition = findCode(code, system);
  if (definition === undefined) {
    const isComponent = isLoinc(coding) && findAnyCode(code)?.system === LOINC;
    found.push(
      isComponent
        ? violation("code", "CODE_IS_COMPONENT")
        : violation("code", "CODE_UNKNOWN", proposalOf(near(code, system))),
    );
    return undefined;
  }
  if (categoriesOf(definition.code).length === 0) found.push(violation("code", "CODE_WITHOUT_CATEGORY"));
  return definition;
}

/** Judges the unit of a code or a component. Every convertible unit is accepted: it is stored as sent. */
export function judgeUnit(
  terminology: Terminology,
  code: string,
  unit: string,
  field: string,
  found: Violation[],
): boolean {
  const check = terminology.checkUnit(code, unit);
  if (check.status === "ok") {
    // Annotations mean nothing, so a unit may consist of one and still be too long.
    const before = found.length;
    judgeText(unit, MAX_UNIT, field, found);
    return found.length === before;
  }
  const reason = check.status === "wrong_dimension" ? "UNIT_WRONG_DIMENSION" : "UNIT_UNKNOWN";
  found.push(violation(field, reason, check.remedy));
  return false;
}

/** Adds nothing where the code has no coded values: another rule reports that. */
export function judgeCodedValue(
  terminology: Terminology,
  definition: CodeDefinition,
  value: Coding,
  field: string,
  found: Violation[],
): void {
  judgeText(value.display, 200, `${field}.display`, found);
  if (definition.kind !== "coded" || terminology.isAllowedValue(definition.code, value)) return;
  const remedy = `use one of ${codesOf(definition.values)} with the system ${definition.valueSystem}`;
  found.push(violation(field, "CODED_VALUE_UNKNOWN", remedy));
}

/**
 * The components must be those of the code, each once, in any order.
 *
 * @param path the contract's name of the list
 * @param judgeOne judges the value of a known component
 */
export function judgePanel<C extends { readonly coding: Coding | undefined }>(
  definition: ComponentsCode,
  components: readonly C[],
  path: string,
  found: Violation[],
  judgeOne: (component: C, definition: ComponentsCode["components"][number], field: string) => void,
): void {
  const seen = new Set<string>();
  let wrong = false;
  for (const [index, component] of components.entries()) {
    const { coding } = component;
    const field = `${path}[${index}]`;
    const known = coding && isLoinc(coding) && definition.components.find(({ code }) => code === coding.code);
    if (!known || seen.has(known.code)) {
      wrong = true;
      found.push(
        known
          ? violation(`${field}.code`, "COMPONENT_REPEATED")
          : violation(`${field}.code`, "COMPONENT_UNKNOWN", `use ${codesOf(definition.components)}`),
      );
      continue;
    }
    seen.add(known.code);
    judgeText(coding.display, 200, `${field}.code.display`, found);
    judgeOne(component, known, field);
  }
  // Where one is wrong, the missing one may have been meant: reported once.
  if (!wrong && seen.size < definition.components.length) {
    const remedy = `send ${codesOf(definition.components)}`;
    found.push(violation(path, "COMPONENT_MISSING", remedy));
  }
}

/** The violation of a value outside its range. The range is no secret; the value is. */
export function implausible(
  field: string,
  { low, high }: PlausibleRange,
  unit: string,
  count = 1,
): Violation {
  const range = `${low} to ${high}${unit === "" ? "" : ` ${unit}`}`;
  const more = count > 1 ? ` (and ${count - 1} more)` : "";
  return violation(field, "VALUE_IMPLAUSIBLE", `${range}; check value and unit${more}`);
}

export function codesOf(list: readonly { readonly code: string }[]): string {
  return list.map(({ code }) => code).join(", ");
}

export function isLoinc({ system }: Coding): boolean {
  return system === "" || system === LOINC;
}
