import { escaped } from "../pages/html.ts";
import type { Schema } from "./contract.ts";
import { typeOf } from "./types.ts";

/** Keywords that the type or the description shows. */
const shownElsewhere = new Set(["$ref", "type", "format", "description", "contentEncoding"]);

type Words = (value: never, schema: Schema) => string;

/** What a keyword says of a value, as HTML. */
const words: Readonly<Record<string, Words>> = {
  minLength: (least: number, { maxLength }) =>
    maxLength === undefined ? `at least ${least} characters` : "",
  maxLength: (most: number, { minLength }) => `${minLength ?? 0} to ${most} characters`,
  minimum: (least: number, { maximum }) => (maximum === undefined ? `at least ${least}` : ""),
  maximum: (most: number, { minimum }) =>
    minimum === undefined ? `at most ${most}` : `${minimum} to ${most}`,
  exclusiveMaximum: (bound: number) => `less than ${bound}`,
  minItems: (least: number, { maxItems }) => (maxItems === undefined ? `at least ${least} items` : ""),
  maxItems: (most: number, { minItems }) => `${minItems ?? 0} to ${most} items`,
  uniqueItems: () => "no item twice",
  pattern: (pattern: string) => `fits <code>${escaped(pattern)}</code>`,
  enum: (values: readonly string[]) => `one of ${list(values)}`,
  const: (value: string) => `<code>${escaped(value)}</code>`,
  not: (no: Schema) => `not ${list(no.enum ?? [])}`,
  examples: (values: readonly string[]) => `for example ${list(values)}`,
  readOnly: () => "set by the server",
  writeOnly: () => "in requests alone",
  deprecated: () => "deprecated",
  items: (items: Schema) =>
    rulesOf(items)
      .map((rule) => `each: ${rule}`)
      .join("; "),
  additionalProperties: (values: Schema) => (typeof values === "object" ? rulesOf(values).join("; ") : ""),
  anyOf: () => "",
  oneOf: (forms: readonly Schema[]) => `one of: ${forms.map(typeOf).join(", ")}`,
};

/** What a value has to be besides its type, as HTML. Throws at a keyword that it can't say. */
export function rulesOf(schema: Schema): readonly string[] {
  return Object.entries(schema)
    .filter(([keyword]) => !shownElsewhere.has(keyword))
    .map(([keyword, value]) => {
      const say = words[keyword];
      if (say === undefined) throw new Error(`the reference cannot say the keyword ${keyword}`);
      return say(value as never, schema);
    })
    .filter((rule) => rule !== "");
}

function list(values: readonly string[]): string {
  return values.map((value) => `<code>${escaped(String(value))}</code>`).join(", ");
}

/** Which fields exclude each other, as sentences in HTML. */
export function choicesOf({
  allOf = [],
}: Schema & { readonly allOf?: readonly unknown[] }): readonly string[] {
  return (allOf as readonly { readonly oneOf: readonly Schema[] }[]).map(({ oneOf }) => {
    const fields = oneOf.flatMap(({ required = [] }) => required);
    const exactly = oneOf.every(({ required }) => required !== undefined);
    return `${exactly ? "Exactly" : "At most"} one of ${list(fields)}.`;
  });
}
