/** gen/openapi/openapi.yaml against the contracts themselves, and against what OpenAPI and JSON Schema ask. */
import { create, type DescMessage } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { Validator } from "@seriousme/openapi-schema-validator";
import { isPublic } from "@wellapi/rpc";
import { expect, test } from "vitest";
import { committedYaml, createAjv, parseDocument, type Schema } from "../openapi/document.ts";
import { methodsOf, publicFiles } from "./descriptors.ts";

const document = parseDocument(committedYaml);
const rules = createValidator();
const methods = methodsOf(await publicFiles()).filter(({ parent }) => isPublic(parent));
const upstream = methods.filter(({ methodKind }) => methodKind === "bidi_streaming");

test("it is OpenAPI 3.1", async () => {
  const validator = new Validator();
  expect(await validator.validate(document as never)).toMatchObject({ valid: true });
  const { openapi, info } = document;
  expect(await validator.validate({ openapi, info, paths: { "no-slash": {} } } as never)).toMatchObject({
    valid: false,
  });
});

test("every schema is one of JSON Schema 2020-12, and every name that is referred to exists", () => {
  const { schemas } = document.components;
  expect(Object.keys(schemas).length).toBeGreaterThan(200);
  const ajv = createAjv();
  for (const [name, schema] of Object.entries(schemas)) {
    expect([name, ajv.validateSchema(schema), ajv.errors]).toEqual([name, true, null]);
  }
  expect(ajv.validateSchema({ type: "text" })).toBe(false);
  const named = [...committedYaml.matchAll(/\$ref: "#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name!,
  );
  expect(named.filter((name) => schemas[name] === undefined)).toEqual([]);
});

test("it has every public RPC that HTTP carries and no other, GET where nothing changes, and names the rest", () => {
  const pathOf = ({ parent, name }: (typeof methods)[number]) => `/${parent.typeName}/${name}`;
  const carried = methods.filter((method) => !upstream.includes(method));
  expect(Object.keys(document.paths).sort()).toEqual(carried.map(pathOf).sort());
  const gets = carried.filter(({ idempotency }) => idempotency === Idempotency.NO_SIDE_EFFECTS);
  expect(gets.length).toBeGreaterThan(5);
  const documented = Object.entries(document.paths).filter(([, { get }]) => get !== undefined);
  expect(documented.map(([path]) => path).sort()).toEqual(gets.map(pathOf).sort());
  const byGrpc = document.tags.flatMap((tag) => tag["x-grpc-methods"] ?? []).map(({ path }) => path);
  expect(byGrpc.sort()).toEqual(upstream.map(pathOf).sort());
  expect(committedYaml).not.toContain("wellapi.internal.");
});

test("no stream is taken for one message of JSON", () => {
  const streams = methods.filter(({ methodKind }) => methodKind === "server_streaming");
  expect(streams.length).toBeGreaterThan(1);
  for (const { parent, name } of streams) {
    const { requestBody, responses } = document.paths[`/${parent.typeName}/${name}`]!.post!;
    expect(Object.keys(requestBody!.content)).toEqual(["application/connect+json"]);
    expect(Object.keys(responses["200"]!.content)).toEqual(["application/connect+json"]);
  }
});

/** Fields that protovalidate misses in an empty message, by their names in JSON. */
function missed(schema: DescMessage): readonly string[] {
  const { violations = [] } = rules.validate(schema, create(schema));
  const names = violations
    .map(({ field: [first] }) => first)
    .filter((first) => first?.kind === "field" && first.oneof === undefined)
    .map((first) => (first as { jsonName: string }).jsonName);
  return [...new Set(names)];
}

test("a request without what the contract asks for is refused by the document, too", () => {
  const asked = methods.map(({ input }) => ({ input, fields: missed(input) }));
  expect(asked.filter(({ fields }) => fields.length > 0).length).toBeGreaterThan(60);
  for (const { input, fields } of asked) {
    const { required = [] } = schemaOf(input) ?? { required: fields };
    expect([input.typeName, required]).toEqual([input.typeName, expect.arrayContaining([...fields])]);
  }
});

/** Undefined for what only streams upwards send. */
function schemaOf({
  typeName,
}: DescMessage): (Schema & { readonly required?: readonly string[] }) | undefined {
  const schema = document.components.schemas[typeName];
  if (schema === undefined) expect(upstream.map(({ input }) => input.typeName)).toContain(typeName);
  return schema;
}

test("requests have the contract's fields alone; answers ask for nothing, and may grow", () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    if (schema.type !== "object" || name.startsWith("connect.")) continue;
    const sent = name.endsWith(".Input") || methods.some(({ input }) => input.typeName === name);
    expect([name, schema.additionalProperties]).toEqual([name, sent ? false : undefined]);
    if (!sent) expect([name, schema.required]).toEqual([name, undefined]);
  }
});

test("an RPC for everybody needs no credential, and every other one says which it takes", () => {
  const open = Object.entries(document.paths).filter(([, { post }]) => post!.security.length === 0);
  expect(open.map(([path]) => path)).toContain("/wellapi.audit.v1.AuditService/GetCheckpoint");
  expect(open.map(([path]) => path)).not.toContain("/wellapi.records.v1.RecordsService/QuerySeries");
  const query = document.paths["/wellapi.records.v1.RecordsService/QuerySeries"]!.post!;
  expect(query.security).toContainEqual({ oauth2: ["patient/Observation.s"] });
  expect(query.security).toContainEqual({ apiKey: [] });
  expect(query.security).toContainEqual({ mutualTLS: [] });
});
