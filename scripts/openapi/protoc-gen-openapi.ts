/** The plugin of `buf generate` that writes gen/openapi: openapi.yaml, and comments of fields. Of modules without a public service it writes nothing. */
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { stringify } from "yaml";
import { openApiDocument } from "./document.ts";
import { fieldComments } from "./field-comments.ts";

const plugin = createEcmaScriptPlugin({
  name: "protoc-gen-openapi",
  version: "v1",
  generateTs(schema) {
    const services = schema.files.flatMap((one) => one.services);
    const document = openApiDocument(services);
    if (document === undefined) return;
    const source = "Generated from proto/ by scripts/openapi (make generate). Do not edit.";
    const file = schema.generateFile("openapi/openapi.yaml");
    file.print(`# ${source}`);
    file.print(stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd());
    const comments = schema.generateFile("openapi/field_comments.js");
    comments.print(`// ${source}`);
    comments.print(`export const fieldComments = ${JSON.stringify(fieldComments(services), undefined, 1)};`);
    const types = schema.generateFile("openapi/field_comments.d.ts");
    types.print(`// ${source}`);
    types.print("/** By `<message>.<field in JSON>`: `wellapi.consent.v1.Consent.grantee`. */");
    types.print("export declare const fieldComments: Readonly<Record<string, string>>;");
  },
});

runNodeJs(plugin);
