import { escaped } from "../pages/html.ts";
import { type Markdown, scrolling } from "../pages/markdown.ts";
import type { Schema } from "./contract.ts";
import { choicesOf, rulesOf } from "./rules.ts";
import { typeOf } from "./types.ts";

/** The fields of a message as a table, and which of them exclude each other. */
export function fieldsTable(schema: Schema, markdown: Markdown): string {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return "<p>It has no fields.</p>\n";
  const rows = fields.map(([name, field]) => {
    const needed = schema.required?.includes(name) ? ["<strong>needed</strong>"] : [];
    const rules = [...needed, ...rulesOf(field)].join("; ");
    const said = markdown.render(field.description ?? "");
    return `<tr><th scope="row"><code>${escaped(name)}</code></th><td>${typeOf(field)}</td><td>${rules}</td><td>${said}</td></tr>`;
  });
  const head =
    '<thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">rules</th><th scope="col">meaning</th></tr></thead>';
  const table = scrolling(`<table class="fields">${head}<tbody>\n${rows.join("\n")}\n</tbody></table>`);
  return `${table}${choicesOf(schema)
    .map((choice) => `<p>${choice}</p>\n`)
    .join("")}`;
}
