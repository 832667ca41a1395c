import { createRegistry, type DescFile, type DescService, type Registry } from "@bufbuild/protobuf";
import { enumNames } from "@wellapi/rpc";

/** What a caller can do about JSON that the contract has not, from the words of protobuf-es; undefined for others. */
export type JsonRemedy = (message: string) => string | undefined;

/** By what the message begins with: the first that matches. */
const remedies: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^cannot decode field wellapi\.type\.v1\.Decimals\.(wide_)?mantissas .*(number|bigint)/,
    'a mantissa is a whole number: send 72.5 as "values": ["72.5"], or as "scale": 1 with "mantissas": [725]',
  ],
  [
    /^cannot decode field wellapi\.type\.v1\.Decimals\.values .*expected string/,
    'send each value as text, so that it stays exact: "values": ["72.5"]',
  ],
  [
    /expected (?:number|bigint) \(s?u?int\d{1,2}\)[^()]{0,400} out of range/,
    "send a whole number within the range of its type",
  ],
  [/expected (number|bigint) \(/, "send a number that the type can hold"],
  [/expected string/, "send text in quotation marks"],
  [/expected boolean/, "send true or false"],
  [/expected Array/, "send a list: [ ... ]"],
  [
    /^cannot decode message google\.protobuf\.Timestamp /,
    'send an instant with its zone: "2026-04-12T08:00:00Z"',
  ],
  [/^cannot decode message google\.protobuf\.Duration /, 'send seconds as text: "60s"'],
  [
    /^cannot decode message google\.protobuf\.FieldMask /,
    'send names in lowerCamelCase with commas between: "displayName"',
  ],
  [
    /^cannot decode message wellapi\.type\.v1\.Coding from JSON: (?!key)/,
    'send an object: {"code": "8867-4"}',
  ],
  [/^cannot decode oneof .* set multiple times/, "send one of the two"],
  [/duplicate object key/, "send it once"],
];

/** Knows the messages and enums of the services, so that it can say which names there are. */
export function createJsonRemedy(services: readonly DescService[]): JsonRemedy {
  let registry: Registry | undefined;
  return (message) => {
    registry ??= createRegistry(...filesOf(services));
    const inEnum = /^cannot decode enum (\S+) from JSON/.exec(message);
    const enumeration = inEnum && registry.getEnum(inEnum[1]!);
    if (enumeration) return `use ${enumNames(enumeration)}`;
    const unknown = /^cannot decode message (\S+) from JSON: key ".*" is unknown$/.exec(message);
    const fields = unknown && registry.getMessage(unknown[1]!)?.fields;
    if (fields) return `the contract has ${fields.map(({ jsonName }) => jsonName).join(", ") || "no fields"}`;
    const whole = /^cannot decode message \S+ from JSON: (Array\(|"|true$|false$|-?\d)/.test(message);
    return (
      remedies.find(([pattern]) => pattern.test(message))?.[1] ??
      (whole ? "send an object: { ... }" : undefined)
    );
  };
}

function filesOf(services: readonly DescService[]): DescFile[] {
  const found = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (found.has(file)) return;
    found.add(file);
    file.dependencies.forEach(add);
  };
  for (const { file } of services) add(file);
  return [...found];
}
