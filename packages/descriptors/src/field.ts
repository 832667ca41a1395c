import {
  type DescField,
  getOption,
  hasOption,
  type Message,
  ScalarType,
  toJsonString,
} from "@bufbuild/protobuf";

/** As the contract spells it: `string`, `repeated wellapi.type.v1.Coding`. */
export function fieldType(field: DescField): string {
  switch (field.fieldKind) {
    case "scalar":
      return ScalarType[field.scalar].toLowerCase();
    case "enum":
      return field.enum.typeName;
    case "message":
      return field.message.typeName;
    case "list":
      return `repeated ${elementType(field)}`;
    case "map":
      return `map<${ScalarType[field.mapKey].toLowerCase()}, ${elementType({ ...field, listKind: field.mapKind } as never)}>`;
  }
}

function elementType(field: DescField & { fieldKind: "list" }): string {
  if (field.listKind === "message") return field.message.typeName;
  return field.listKind === "enum" ? field.enum.typeName : ScalarType[field.scalar].toLowerCase();
}

/** protovalidate's rules as JSON; empty: there are none. The option is that of the file which the contract imports. */
export function fieldRules(field: DescField): string {
  const { dependencies } = field.parent.file;
  const options = dependencies.flatMap(({ extensions }) => extensions);
  const rules = options.find(({ typeName }) => typeName === "buf.validate.field");
  if (rules?.message === undefined || !hasOption(field, rules)) return "";
  return toJsonString(rules.message, getOption(field, rules) as Message);
}
