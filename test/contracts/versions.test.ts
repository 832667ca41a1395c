import { create, createFileRegistry, type DescFile, setExtension } from "@bufbuild/protobuf";
import {
  EnumValueOptionsSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { notedCalls } from "@wellapi/access-log";
import {
  DeprecationSchema,
  field_deprecation,
  method_deprecation,
  service_deprecation,
} from "@wellapi/gen/wellapi/type/v1/deprecation_pb";
import { weights } from "@wellapi/limits";
import { expect, test } from "vitest";
import { deprecationFaults, forgottenVersions } from "./deprecations.ts";
import { publicFiles } from "./descriptors.ts";

interface Terms {
  readonly since: string;
  readonly sunset: string;
  readonly instead?: string;
}

/** `wellapi.x.<version>`: a service XService with GetX, whose request has a field `id`. */
function planted(
  options: {
    readonly service?: Terms;
    readonly method?: Terms;
    readonly field?: Terms;
    readonly deprecated?: readonly ("service" | "method" | "field" | "value")[];
  },
  version = "v1",
): readonly DescFile[] {
  const marked = (part: "service" | "method" | "field" | "value") => ({
    deprecated: options.deprecated?.includes(part) ?? options[part as "service"] !== undefined,
  });
  const service = create(ServiceOptionsSchema, marked("service"));
  const method = create(MethodOptionsSchema, marked("method"));
  const field = create(FieldOptionsSchema, marked("field"));
  const terms = (one: Terms) => create(DeprecationSchema, one);
  if (options.service) setExtension(service, service_deprecation, terms(options.service));
  if (options.method) setExtension(method, method_deprecation, terms(options.method));
  if (options.field) setExtension(field, field_deprecation, terms(options.field));
  const name = `wellapi.x.${version}`;
  const file = create(FileDescriptorProtoSchema, {
    name: `${name.replaceAll(".", "/")}/x_service.proto`,
    package: name,
    syntax: "proto3",
    enumType: [
      {
        name: "Kind",
        value: [
          { name: "KIND_UNSPECIFIED", number: 0, options: create(EnumValueOptionsSchema, marked("value")) },
        ],
      },
    ],
    messageType: [
      { name: "GetXRequest", field: [{ name: "id", number: 1, type: 9, label: 1, options: field }] },
      { name: "GetXResponse" },
    ],
    service: [
      {
        name: "XService",
        options: service,
        method: [
          {
            name: "GetX",
            inputType: `.${name}.GetXRequest`,
            outputType: `.${name}.GetXResponse`,
            options: method,
          },
        ],
      },
    ],
  });
  return [...createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).files];
}

const year = { since: "2027-03-01", sunset: "2028-03-01" };

test("what the contracts deprecate says since when, until when and in whose favour, for twelve months at least", async () => {
  expect(deprecationFaults(await publicFiles())).toEqual([]);
  const instead = "wellapi.x.v1.XService.GetX";
  expect(deprecationFaults(planted({ service: year, method: { ...year, instead }, field: year }))).toEqual(
    [],
  );
});

test.each([
  ["wellapi.x.v1.XService: no days", { deprecated: ["service"] }],
  ["wellapi.x.v1.XService.GetX: no days", { deprecated: ["method"] }],
  ["wellapi.x.v1.GetXRequest.id: no days", { deprecated: ["field"] }],
  [
    "wellapi.x.v1.Kind.KIND_UNSPECIFIED: nobody who uses it is told: deprecate its RPCs or fields",
    { deprecated: ["value"] },
  ],
  ["wellapi.x.v1.XService.GetX: days, but not deprecated", { method: year, deprecated: [] }],
  ["wellapi.x.v1.XService: less than twelve months", { service: { ...year, sunset: "2028-02-29" } }],
  ['wellapi.x.v1.XService: "2027-02-29" is no day', { service: { ...year, since: "2027-02-29" } }],
  [
    "wellapi.x.v1.XService: wellapi.x.v2.XService does not exist",
    { service: { ...year, instead: "wellapi.x.v2.XService" } },
  ],
] as const)("refused: %s", (fault, options) => {
  expect(deprecationFaults(planted(options))).toEqual([fault]);
});

test("a later version of an RPC costs what it costs, and is told to patients, by lines of its own", async () => {
  const tables = [Object.keys(weights.calls), [...notedCalls.keys()]];
  const files = await publicFiles();
  for (const table of tables) expect(forgottenVersions(files, table)).toEqual([]);
  const both = [...planted({}), ...planted({}, "v2")];
  const v1 = "wellapi.x.v1.XService/GetX";
  expect(forgottenVersions(both, [v1])).toEqual(["wellapi.x.v2.XService/GetX"]);
  expect(forgottenVersions(both, [v1, "wellapi.x.v2.XService/GetX"])).toEqual([]);
  expect(forgottenVersions(planted({}), [v1])).toEqual([]);
});
