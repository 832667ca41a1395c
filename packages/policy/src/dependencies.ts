import { type CedarValueJson, parsePolicies } from "./cedar.ts";

/** What the decision of policies depends on, by their parsed form. */
export interface Dependencies {
  /** Actions that they name by themselves. */
  readonly names: ReadonlySet<string>;
  readonly onTime: boolean;
  readonly onAddress: boolean;
  /** Attributes of anything, by name. */
  readonly attributes: ReadonlySet<string>;
}

const ofTime = new Set<unknown>(["time", "hour", "weekday"]);

export function dependenciesOf(texts: readonly string[]): Dependencies {
  const names = new Set<string>();
  const attributes = new Set<string>();
  let onTime = false;
  let onAddress = false;

  function look(value: unknown): void {
    if (Array.isArray(value)) value.forEach(look);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    const fields = value as Record<string, unknown>;
    if (fields.type === "Action" && typeof fields.id === "string") names.add(fields.id);
    if (typeof fields.attr === "string") attributes.add(fields.attr);
    // The context as a whole: nothing can be said of what it is compared with.
    if (fields.Var === "context") onTime = true;
    for (const [name, part] of Object.entries(fields)) {
      const attribute = name === "." || name === "has" ? attributeOf(part as CedarValueJson) : undefined;
      if (attribute === undefined) look(part);
      else if (ofTime.has(attribute)) onTime = true;
      else if (attribute === "address") onAddress = true;
    }
  }

  for (const text of texts) {
    const parsed = parsePolicies(text);
    // Of what does not parse nothing can be said.
    if ("mistakes" in parsed) onTime = true;
    else look(parsed.map(({ json }) => json));
  }
  return { names, onTime, onAddress, attributes };
}

/** The attribute of the context that an expression looks at; undefined for another expression. */
function attributeOf(part: CedarValueJson): string | undefined {
  const { left, attr } = part as { left?: { Var?: string }; attr?: string | readonly string[] };
  if (left?.Var !== "context" || attr === undefined) return undefined;
  return [attr].flat()[0];
}
