import { type DescField, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { field as fieldRules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Violation } from "../problem.ts";

/** A field that holds messages, alone or in a list. */
interface Holder {
  readonly field: DescField;
  readonly schema: DescMessage;
  /** `max_items` of the contract. */
  readonly most: number;
  /** The contract's items are judged one by one elsewhere: the validator skips them. */
  readonly ignored: boolean;
}

const holders = new WeakMap<DescMessage, readonly Holder[]>();

/**
 * The first list of messages that is longer than the contract's `max_items`, among those that the validator checks,
 * or among all. An empty message takes two bytes, so a message of 1 MiB can hold half a million of them, and the
 * validator makes violations for each: this check saves seconds of CPU and a gigabyte of memory.
 */
export function longList(
  schema: DescMessage,
  message: Message,
  lists: "validated" | "all",
  path = "",
): Violation | undefined {
  for (const { field, schema: held, most, ignored } of holdersOf(schema)) {
    const value = heldBy(message, field);
    if (value === undefined) continue;
    const at = path + field.name;
    if (Array.isArray(value)) {
      if (value.length > most) {
        const description = `must contain no more than ${most} item(s)`;
        return { field: at, description, reason: "REPEATED_MAX_ITEMS" };
      }
      if ((ignored && lists === "validated") || holdersOf(held).length === 0) continue;
      for (const [i, item] of value.entries()) {
        const long = longList(held, item as Message, lists, `${at}[${i}].`);
        if (long !== undefined) return long;
      }
    } else {
      const long = longList(held, value as Message, lists, `${at}.`);
      if (long !== undefined) return long;
    }
  }
  return undefined;
}

function holdersOf(schema: DescMessage): readonly Holder[] {
  const known = holders.get(schema);
  if (known !== undefined) return known;
  const found = schema.fields.flatMap((field): Holder[] => {
    if (field.message === undefined || field.fieldKind === "map") return [];
    return [{ field, schema: field.message, most: mostItems(field), ignored: hasIgnoredItems(field) }];
  });
  holders.set(schema, found);
  return found;
}

function hasIgnoredItems(field: DescField): boolean {
  const { type } = getOption(field, fieldRules);
  return type.case === "repeated" && type.value.items?.ignore === Ignore.ALWAYS;
}

function mostItems(field: DescField): number {
  const { type } = getOption(field, fieldRules);
  const limited = field.fieldKind === "list" && type.case === "repeated" && type.value.maxItems > 0n;
  return limited ? Number(type.value.maxItems) : Number.POSITIVE_INFINITY;
}

function heldBy(message: Message, { oneof, localName }: DescField): unknown {
  const fields = message as unknown as Record<string, unknown>;
  if (oneof === undefined) return fields[localName];
  const chosen = fields[oneof.localName] as { readonly case?: string; readonly value?: unknown };
  return chosen.case === localName ? chosen.value : undefined;
}
