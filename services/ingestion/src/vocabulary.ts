import {
  type CodeDefinition,
  type ComponentsCode,
  categoriesOf,
  checkUnit,
  findAnyCode,
  findCode,
  isAllowedValue,
  LOINC,
} from "@wellapi/terminology";
import { type Violation, violation } from "./violation.ts";

/** A concept of a code system. */
export interface Coding {
  /** Empty means LOINC. */
  readonly system: string;
  readonly code: string;
}

/** The kinds of value that codes have. */
export type ValueKind = CodeDefinition["kind"];

/** What the contract calls the kinds of value. */
export type ValueFields = Readonly<Record<ValueKind, string>>;

/** The code's definition, or undefined where values can't be judged by it; `found` is told why. */
export function judgeCode(
  coding: Coding,
  kind: ValueKind,
  fields: ValueFields,
  found: Violation[],
  categories: (code: string) => readonly string[] = categoriesOf,
): CodeDefinition | undefined {
  const definition = findCode(coding.code, coding.system);
  if (definition === undefined) {
    const isComponent = isLoinc(coding) && findAnyCode(coding.code)?.system === LOINC;
    found.push(violation("code", isComponent ? "CODE_IS_COMPONENT" : "CODE_UNKNOWN"));
    return undefined;
  }
  if (categories(definition.code).length === 0) found.push(violation("code", "CODE_WITHOUT_CATEGORY"));
  if (definition.kind !== kind) {
    found.push(violation(fields[kind], "VALUE_WRONG_KIND", `send \`${fields[definition.kind]}\``));
    return undefined;
  }
  return definition;
}

/** The unit of a code or a component. Whatever converts is welcome: it is stored as sent. */
export function judgeUnit(code: string, unit: string, field: string, found: Violation[]): void {
  const check = checkUnit(code, unit);
  if (check.status === "ok") return;
  const reason = check.status === "wrong_dimension" ? "UNIT_WRONG_DIMENSION" : "UNIT_UNKNOWN";
  found.push(violation(field, reason, check.remedy));
}

/** Nothing where the code has no coded values: `judgeCode` said so. */
export function judgeCodedValue(
  definition: CodeDefinition,
  value: Coding,
  field: string,
  found: Violation[],
): void {
  if (definition.kind !== "coded" || isAllowedValue(definition.code, value)) return;
  const remedy = `use one of ${codesOf(definition.values)} with the system ${definition.valueSystem}`;
  found.push(violation(field, "CODED_VALUE_UNKNOWN", remedy));
}

/**
 * The components must be those of the code, each once, in any order.
 *
 * @param unitField where a component's unit is, from the component
 */
export function judgeComponents(
  definition: ComponentsCode,
  components: readonly { readonly coding: Coding; readonly unit: string }[],
  unitField: string,
  found: Violation[],
): void {
  const seen = new Set<string>();
  let wrong = false;
  for (const [index, { coding, unit }] of components.entries()) {
    const field = `components.components[${index}]`;
    const known = isLoinc(coding) && definition.components.some(({ code }) => code === coding.code);
    if (!known || seen.has(coding.code)) {
      wrong = true;
      found.push(
        known
          ? violation(`${field}.code`, "COMPONENT_REPEATED")
          : violation(`${field}.code`, "COMPONENT_UNKNOWN", `use ${codesOf(definition.components)}`),
      );
      continue;
    }
    seen.add(coding.code);
    judgeUnit(coding.code, unit, `${field}.${unitField}`, found);
  }
  // Where one is wrong, the right one may have been meant: said once.
  if (!wrong && seen.size < definition.components.length) {
    const remedy = `send ${codesOf(definition.components)}`;
    found.push(violation("components.components", "COMPONENT_MISSING", remedy));
  }
}

function codesOf(list: readonly { readonly code: string }[]): string {
  return list.map(({ code }) => code).join(", ");
}

function isLoinc({ system }: Coding): boolean {
  return system === "" || system === LOINC;
}
