/** What a request may not say any more that the last release took: protovalidate's rules, which `buf breaking` does not compare. */
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescOneof,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/**
 * A line for each rule that is new or stricter, of two images of buf with what they import. A rule that is only another one, such as a
 * pattern, counts as stricter.
 */
export function stricterRules(before: Uint8Array, now: Uint8Array): readonly string[] {
  const [older, newer] = [registryOf(before), registryOf(now)];
  return requestMessages(older).flatMap((message) => {
    const same = newer.getMessage(message.typeName);
    // What is gone, `buf breaking` finds.
    if (same === undefined) return [];
    const pairs = [
      [message, same],
      ...message.oneofs.map((one) => [one, same.oneofs.find(({ name }) => name === one.name)]),
      ...message.fields.map((one) => [one, same.fields.find(({ number }) => number === one.number)]),
    ] as readonly (readonly [Ruled, Ruled | undefined])[];
    const added = same.fields.filter(({ number }) => message.fields.every((one) => one.number !== number));
    return [
      ...pairs.flatMap(([old, one]) =>
        one === undefined ? [] : stricter(rulesOf(older, old), rulesOf(newer, one)),
      ),
      ...added.flatMap((field) => demands(field, rulesOf(newer, field))),
    ];
  });
}

type Ruled = DescMessage | DescOneof | DescField;

/** A part of a contract, and its rules: `string.maxLen`, with their values. */
interface Rules {
  readonly name: string;
  readonly rules: ReadonlyMap<string, JsonValue>;
}

function registryOf(image: Uint8Array): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
}

/** Every message that lies in a request of ours. */
function requestMessages(registry: FileRegistry): readonly DescMessage[] {
  const seen = new Set<DescMessage>();
  const visit = (message: DescMessage): void => {
    if (seen.has(message) || !message.typeName.startsWith("wellapi.")) return;
    seen.add(message);
    for (const field of message.fields) if (field.message !== undefined) visit(field.message);
  };
  for (const one of registry) if (one.kind === "service") for (const { input } of one.methods) visit(input);
  return [...seen];
}

function rulesOf(registry: FileRegistry, part: Ruled): Rules {
  const name = part.kind === "message" ? part.typeName : `${part.parent.typeName}.${part.name}`;
  const option = registry.getExtension(`buf.validate.${part.kind}`);
  if (option?.message === undefined || !hasOption(part, option)) return { name, rules: new Map() };
  return {
    name,
    rules: new Map(leaves(toJson(option.message, getOption(part, option) as Message, { registry }))),
  };
}

function leaves(value: JsonValue, path = ""): (readonly [string, JsonValue])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, one]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (name !== "cel" || !Array.isArray(one)) return leaves(one as JsonValue, at);
    // Its message is no rule.
    return (one as { id: string; expression: string }[]).map(
      ({ id, expression }) => [`${at}.${id}`, expression] as const,
    );
  });
}

function stricter(before: Rules, now: Rules): readonly string[] {
  const paths = new Set([...before.rules.keys(), ...now.rules.keys()]);
  return [...paths].flatMap((path) => {
    const [old, one] = [before.rules.get(path), now.rules.get(path)];
    if (!isStricter(path.slice(path.lastIndexOf(".") + 1), old, one)) return [];
    return `${now.name}: ${path} ${said(one)}, and in the last release ${said(old)}`;
  });
}

function said(rule: JsonValue | undefined): string {
  return rule === undefined ? "is not there" : `is ${JSON.stringify(rule)}`;
}

/** Whether the rule of that name refuses what it took before. Undefined: it is not there. */
function isStricter(name: string, before: JsonValue | undefined, now: JsonValue | undefined): boolean {
  if (JSON.stringify(before) === JSON.stringify(now)) return false;
  // Of what it exempts more is let in.
  if (name === "ignore") return before !== undefined;
  if (now === undefined || now === false || name === "example") return false;
  if (before === undefined) return true;
  const [old, one] = [numberOf(before), numberOf(now)];
  if (/^(max|lte?$)/.test(name)) return !(one > old);
  if (/^(min|gte?$)/.test(name)) return !(one < old);
  const has = (list: JsonValue, all: JsonValue): boolean =>
    Array.isArray(list) && Array.isArray(all) && all.every((each) => list.includes(each));
  if (name === "in") return !has(now, before);
  if (name === "notIn") return !has(before, now);
  return true;
}

/** Also of 64 bits, which JSON has as a text, and of a duration, `3600s`. NaN: of nothing that is compared. */
function numberOf(value: JsonValue): number {
  return typeof value === "string" ? Number(value.replace(/s$/, "")) : Number(value);
}

/** A new field that must be set: a request of the last release, which does not know it, is refused. */
function demands(field: DescField, { name, rules }: Rules): readonly string[] {
  const line = `${name}: is new, and a request without it is refused`;
  if (rules.get("required") === true) return [line];
  const ofItself = field.presence === FeatureSet_FieldPresence.IMPLICIT && !rules.has("ignore");
  if (!ofItself && field.fieldKind !== "list" && field.fieldKind !== "map") return [];
  const refused = [...rules].some(
    ([path, value]) => path.split(".").length === 2 && refusesNothing(path.split(".")[1]!, value),
  );
  return refused ? [line] : [];
}

/** Whether the rule refuses an empty text, an empty list, or zero. */
function refusesNothing(name: string, rule: JsonValue): boolean {
  if (/^(min|len$|gt$|gte$)/.test(name)) return numberOf(rule) > 0 || (name === "gt" && numberOf(rule) >= 0);
  if (name === "pattern") return !new RegExp(String(rule)).test("");
  if (name === "notIn") return Array.isArray(rule) && rule.includes(0);
  if (name === "in") return Array.isArray(rule) && !rule.includes(0) && !rule.includes("");
  return rule === true && name !== "definedOnly" && name !== "unique";
}
