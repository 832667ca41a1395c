import type { SearchParameter } from "./sources.ts";
import type { TypeEntry } from "./types.ts";

export interface SearchParameterEntry {
  readonly type: string;
  /** FHIRPath, from a resource of the type. */
  readonly expression: string;
  readonly targets?: readonly string[];
}

/** HL7 lists every type of resource where a reference may point anywhere. */
const anyTarget = 100;

/** HL7's search parameters, by resource type and name. Those without an expression (`_text`, `_query`) are left out. */
export function searchParameterTable(
  parameters: readonly SearchParameter[],
  types: Readonly<Record<string, TypeEntry>>,
): Record<string, Record<string, SearchParameterEntry>> {
  const table: Record<string, Record<string, SearchParameterEntry>> = {};
  for (const { code, type, base, expression, target } of parameters) {
    if (expression === undefined) continue;
    for (const name of base) {
      if (!types[name]) continue;
      const own = expression.split(/ ?\| ?(?![^(]*\))/).filter((part) => concerns(part, name));
      table[name] ??= {};
      table[name][code] = {
        type,
        expression: own.length > 0 ? own.join(" | ") : expression,
        ...(target && target.length < anyTarget ? { targets: target } : {}),
      };
    }
  }
  return table;
}

/** HL7 joins the expressions of all types that share a parameter. */
function concerns(part: string, type: string): boolean {
  return new RegExp(`^\\(*${type}\\b`).test(part.trim());
}
