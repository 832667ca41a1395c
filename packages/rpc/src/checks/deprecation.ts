import {
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type Message,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import {
  type Deprecation,
  field_deprecation,
  method_deprecation,
  service_deprecation,
} from "@wellapi/gen/wellapi/type/v1/deprecation_pb";

/** Something deprecated that a call uses. */
export interface DeprecatedUse {
  /** The full name of the RPC (`wellapi.x.v1.XService.GetX`) or of the field. */
  readonly name: string;
  readonly terms: Deprecation;
}

/** What of a method is deprecated. */
export interface DeprecatedParts {
  /** The method itself, or its service. */
  readonly method: DeprecatedUse | undefined;
  /** The fields that the message sets. Undefined where the request has no deprecated field, at any depth. */
  readonly fields: ((message: Message) => Iterable<DeprecatedUse>) | undefined;
}

/** Read once a method: a call of one without anything deprecated costs a look-up. */
const known = new WeakMap<DescMethod, DeprecatedParts | null>();

/** Undefined where nothing of the method is deprecated. */
export function deprecatedIn(method: DescMethod): DeprecatedParts | undefined {
  let parts = known.get(method);
  if (parts === undefined) {
    parts = readParts(method);
    known.set(method, parts);
  }
  return parts ?? undefined;
}

function readParts(method: DescMethod): DeprecatedParts | null {
  const own = readMethod(method);
  const leading = fieldsLeadingToDeprecated(method.input);
  const fields =
    leading.size === 0
      ? undefined
      : (message: Message) => {
          const found = new Map<string, DeprecatedUse>();
          collectUses(reflect(method.input, message), leading, found);
          return found.values();
        };
  return own === undefined && fields === undefined ? null : { method: own, fields };
}

function readMethod(method: DescMethod): DeprecatedUse | undefined {
  const name = `${method.parent.typeName}.${method.name}`;
  if (hasOption(method, method_deprecation)) return { name, terms: getOption(method, method_deprecation) };
  if (!hasOption(method.parent, service_deprecation)) return undefined;
  return { name, terms: getOption(method.parent, service_deprecation) };
}

/** The deprecated fields of the message at any depth, and the fields by which they are reached. */
function fieldsLeadingToDeprecated(root: DescMessage): ReadonlySet<DescField> {
  const messages = messagesBelow(root);
  const leading = new Set<DescField>();
  const leads = (message: DescMessage): boolean => message.fields.some((field) => leading.has(field));
  // Messages may hold each other in a circle: repeated until nothing is added.
  for (let before = -1; before !== leading.size; ) {
    before = leading.size;
    for (const field of messages.flatMap((message) => message.fields)) {
      if (hasOption(field, field_deprecation) || (field.message && leads(field.message))) leading.add(field);
    }
  }
  return leading;
}

function messagesBelow(root: DescMessage): readonly DescMessage[] {
  const found = new Set([root]);
  for (const message of found)
    for (const field of message.fields) if (field.message) found.add(field.message);
  return [...found];
}

function collectUses(
  message: ReflectMessage,
  leading: ReadonlySet<DescField>,
  found: Map<string, DeprecatedUse>,
): void {
  for (const field of message.fields) {
    if (!leading.has(field) || !message.isSet(field)) continue;
    if (hasOption(field, field_deprecation)) {
      const name = `${field.parent.typeName}.${field.name}`;
      if (!found.has(name)) found.set(name, { name, terms: getOption(field, field_deprecation) });
    }
    if (!field.message) continue;
    if (field.fieldKind === "message") collectUses(message.get(field), leading, found);
    else if (field.fieldKind === "list") {
      for (const item of message.get(field)) collectUses(item as ReflectMessage, leading, found);
    } else if (field.fieldKind === "map") {
      for (const value of message.get(field).values()) collectUses(value as ReflectMessage, leading, found);
    }
  }
}
