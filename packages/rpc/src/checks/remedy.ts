import { type DescEnum, type DescField, type DescOneof, getOption } from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Most names of an answer. */
const maximumNames = 30;

/**
 * What the caller can do about a broken rule. The validator's own words say what is wrong in terms of the rule
 * ("must not be in list [0]"); where these do not say what to send, this does.
 */
export function remedyOf(broken: {
  readonly field: Path;
  readonly ruleId: string;
  readonly message: string;
}): string {
  const { field: path, ruleId, message } = broken;
  const last = path.at(-1);
  const field = last?.kind === "field" ? last : undefined;
  switch (ruleId) {
    case "required":
      return last?.kind === "oneof" ? `send ${choices(last)}` : `is missing: ${toSend(field)}`;
    case "enum.not_in":
    case "enum.in":
    case "enum.defined_only":
      return field?.enum === undefined ? message : `use ${enumNames(field.enum, notAllowed(field))}`;
    case "string.min_len":
      return message === "must be at least 1 characters" ? "is empty: send a text" : message;
    case "repeated.min_items":
      return message === "must contain at least 1 item(s)" ? "is empty: send at least 1 item" : message;
    case "string.pattern":
      return message.replace("does not match regex pattern", "is not of the form of the regular expression");
    case "string.uuid":
    case "string.uuid_empty":
      return "must be a UUID, for example 9e2b1f0c-4c7d-4b52-8a0e-0d6f3a1c5b77";
    default:
      return message || `breaks the rule ${ruleId}`;
  }
}

function toSend(field: DescField | undefined): string {
  if (field?.enum !== undefined) return `send ${enumNames(field.enum, notAllowed(field))}`;
  return field?.message === undefined ? "send a value" : `send a ${field.message.name}`;
}

/** Values of an enum that the rule `not_in` refuses; always the unspecified one. */
function notAllowed(field: DescField): readonly number[] {
  const { type } = getOption(field, fieldRules);
  const rules = type.case === "repeated" ? type.value.items?.type : type;
  return rules?.case === "enum" ? [0, ...rules.value.notIn] : [0];
}

/** The names of the values, as JSON writes them. */
export function enumNames({ values }: DescEnum, without: readonly number[] = [0]): string {
  const all = values.filter(({ number }) => !without.includes(number)).map(({ name }) => name);
  return all.length > maximumNames
    ? `one of the ${all.length} values of the contract`
    : `one of ${all.join(", ")}`;
}

function choices({ fields }: DescOneof): string {
  return `one of ${fields.map(({ name }) => name).join(", ")}`;
}
