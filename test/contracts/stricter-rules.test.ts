/** What the contracts demand of requests beyond the last release: found by `make check`. */
import { readFileSync } from "node:fs";
import {
  clone,
  create,
  createFileRegistry,
  type DescExtension,
  fromBinary,
  fromJson,
  type JsonObject,
  setExtension,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { releases } from "../../scripts/release/releases.ts";
import { stricterRules } from "../../scripts/release/stricter-rules.ts";

const image = readFileSync(releases().at(-1)!.contracts);
const set = fromBinary(FileDescriptorSetSchema, image);
const registry = createFileRegistry(set);
const rules = registry.getExtension("buf.validate.field") as DescExtension & { message: object };

/** The last release's contracts, in which the fields of `ListConsentsRequest` are changed. */
function withFields(change: (fields: FieldDescriptorProto[]) => void): Uint8Array {
  const changed = clone(FileDescriptorSetSchema, set);
  const messages = changed.file.find(
    ({ name }) => name === "wellapi/consent/v1/consent_service.proto",
  )!.messageType;
  change(messages.find(({ name }) => name === "ListConsentsRequest")!.field);
  return toBinary(FileDescriptorSetSchema, changed);
}

function ruled(field: FieldDescriptorProto, given: JsonObject): void {
  field.options ??= create(FieldOptionsSchema);
  const { message } = rules as never as { message: Parameters<typeof fromJson>[0] };
  setExtension(field.options, rules, fromJson(message, given) as never);
}

/** By the names of fields: their rules instead of those that they had. */
const withRules = (given: Readonly<Record<string, JsonObject>>) =>
  withFields((fields) => {
    for (const [name, rule] of Object.entries(given)) ruled(fields.find((one) => one.name === name)!, rule);
  });

test("each rule that is new or stricter is found, by field", () => {
  const own = [{ id: "own", expression: "this != 'a'" }];
  const found = stricterRules(
    image,
    withRules({
      page_size: { int32: { gte: 1, lte: 10 } },
      page_token: { required: true, string: { maxLen: "1023" } },
      grantee: { string: { maxLen: "64", pattern: "^a" }, cel: own },
      states: {
        repeated: { maxItems: "4", unique: true, items: { enum: { definedOnly: true, notIn: [0, 1] } } },
      },
    }),
  );
  expect(found.toSorted()).toEqual(
    [
      "page_size: int32.gte is 1, and in the last release is 0",
      "page_size: int32.lte is 10, and in the last release is not there",
      "page_token: required is true, and in the last release is not there",
      'page_token: string.maxLen is "1023", and in the last release is "1024"',
      'grantee: string.pattern is "^a", and in the last release is not there',
      `grantee: cel.own is "this != 'a'", and in the last release is not there`,
      "states: repeated.items.enum.notIn is [0,1], and in the last release is [0]",
    ]
      .map((line) => `wellapi.consent.v1.ListConsentsRequest.${line}`)
      .toSorted(),
  );
});

test("what lets more in is no break, nor what is new and may be left out", () => {
  const looser = withFields((fields) => {
    ruled(fields.find(({ name }) => name === "page_size")!, { int32: { gte: -1 } });
    ruled(fields.find(({ name }) => name === "page_token")!, { string: { maxLen: "2000" } });
    ruled(fields.find(({ name }) => name === "states")!, {});
    add(fields, "added", { string: { maxLen: "64", pattern: "^(a.*)?$" } });
  });
  expect(stricterRules(image, looser)).toEqual([]);
});

test("a new field is a break where a request without it is refused", () => {
  const demanding = withFields((fields) => {
    add(fields, "required", { required: true });
    add(fields, "longer", { string: { minLen: "1" } });
    add(fields, "shaped", { string: { pattern: "^a" } });
  });
  expect(stricterRules(image, demanding)).toEqual(
    ["required", "longer", "shaped"].map(
      (name) => `wellapi.consent.v1.ListConsentsRequest.${name}: is new, and a request without it is refused`,
    ),
  );
});

function add(fields: FieldDescriptorProto[], name: string, given: JsonObject): void {
  const field = clone(FieldDescriptorProtoSchema, fields.find((one) => one.name === "grantee")!);
  fields.push(Object.assign(field, { name, jsonName: name, number: 100 + fields.length }));
  ruled(field, given);
}
