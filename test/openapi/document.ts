/** The OpenAPI document, and what it says of requests and answers. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

export type Schema = Readonly<Record<string, unknown>>;
interface Content {
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}
export interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
  readonly parameters: readonly Schema[];
}
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Schema;
  readonly tags: readonly {
    readonly name: string;
    readonly "x-grpc-methods"?: readonly { readonly path: string }[];
  }[];
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<"get" | "post", Operation>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> } & Readonly<
    Record<string, unknown>
  >;
}

export const committedYaml = readFileSync(new URL("../../gen/openapi/openapi.yaml", import.meta.url), "utf8");

export function parseDocument(yaml: string): OpenApiDocument {
  return parse(yaml) as OpenApiDocument;
}

/** Where a value breaks a schema; empty where it keeps to it. */
export type Breaks = readonly string[];

export interface Judge {
  request(path: string, value: unknown): Breaks;
  answer(path: string, status: number, value: unknown): Breaks;
}

const jsonType = "application/json";

/** Of JSON Schema 2020-12, with the formats of the document. */
export function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictRequired: false,
    strictTypes: false,
    inlineRefs: false,
  });
  addFormats.default(ajv);
  for (const format of ["int32", "int64", "uint64"]) ajv.addFormat(format, true);
  return ajv;
}

export function createJudge(document: OpenApiDocument): Judge {
  const ajv = createAjv();
  // Each schema apart, so that it is compiled when it is asked for and once.
  const schemas = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('"#/components/schemas/', '"/'),
  ) as Record<string, Schema>;
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema({ $id: `/${name}`, ...schema });
  const judge = (name: string, value: unknown): Breaks => {
    const validate = ajv.getSchema(`/${name}`)!;
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
  const postAt = (path: string) => {
    const post = document.paths[path]?.post;
    if (post === undefined) throw new Error(`${path} is not in the document`);
    return post;
  };
  const schemaIn = ({ content }: Content) =>
    (content[jsonType]!.schema.$ref as string).replace("#/components/schemas/", "");
  return {
    request: (path, value) => judge(schemaIn(postAt(path).requestBody!), value),
    answer: (path, status, value) =>
      status === 200 ? judge(schemaIn(postAt(path).responses["200"]!), value) : judge("connect.Error", value),
  };
}
