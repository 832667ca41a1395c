/** The plugin of `buf generate` that writes gen/openapi/openapi.yaml. Of modules without a public service it writes nothing. */
import { createEcmaScriptPlugin, runNodeJs } from "@bufbuild/protoplugin";
import { stringify } from "yaml";
import { openApiDocument } from "./document.ts";

const plugin = createEcmaScriptPlugin({
  name: "protoc-gen-openapi",
  version: "v1",
  generateTs(schema) {
    const document = openApiDocument(schema.files.flatMap(({ services }) => services));
    if (document === undefined) return;
    const file = schema.generateFile("openapi/openapi.yaml");
    file.print("# Generated from proto/ by scripts/openapi (make generate). Do not edit.");
    file.print(stringify(document, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd());
  },
});

runNodeJs(plugin);
