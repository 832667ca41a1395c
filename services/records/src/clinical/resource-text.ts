import type { ItemViolation } from "../write/judgement.ts";
import { isObject, type Json, type Resource } from "./resource.ts";

/** `JSON` with the source text of numbers, which TypeScript's own types do not know yet. */
const exact = JSON as unknown as {
  parse(text: string, revive: (key: string, value: Json, context: { source?: string }) => unknown): Json;
  rawJSON(text: string): Json;
};

/** A text that was sent, judged. */
export function readResource(
  text: string,
): { readonly resource: Resource } | { readonly violations: readonly ItemViolation[] } {
  let value: Json;
  try {
    value = parse(text);
  } catch {
    return { violations: [malformed("is no JSON")] };
  }
  if (!isObject(value) || typeof value.resourceType !== "string") {
    return { violations: [malformed("is no resource: it is an object with a resourceType")] };
  }
  return { resource: value as Resource };
}

/** A text that was stored. Throws SyntaxError where it is damaged. */
export function storedResource(text: string): Resource {
  return parse(text) as Resource;
}

export function resourceText(resource: Resource): string {
  return JSON.stringify(resource);
}

function parse(text: string): Json {
  return exact.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? exact.rawJSON(source)
      : value,
  );
}

function malformed(what: string): ItemViolation {
  return { field: "resource", description: what, reason: "INVALID_RESOURCE" };
}
