/**
 * Writes docs/reasons.md: every reason with which a call or an item is refused, and what the server says to do, read from the sources
 * that say it. `--check` compares with the committed page instead.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Code } from "@connectrpc/connect";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import { type Expression, type ObjectExpression, parseSync } from "@swc/core";
import { itemReasons, violation } from "../services/ingestion/src/violation.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const page = new URL("../docs/reasons.md", import.meta.url);

/** HTTP statuses of Connect's protocol, by Connect's name of the code, which is gRPC's in other letters. */
const statuses: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(Code)
    .filter(([, code]) => typeof code === "number")
    .map(([name, code]) => [name, codeToHttpStatus(code as Code)]),
);

/** One place of the sources where a reason is given. */
export interface Refusal {
  readonly reason: string;
  /** Connect's name of the code; undefined where the place does not name it. */
  readonly code?: string;
  /** Of a request that is refused before it is a call. */
  readonly status?: number;
  /** What the caller is told, with `…` for what differs from call to call; undefined where it is made elsewhere. */
  readonly message?: string;
}

/** A word in capitals that is no setting. */
const reasonForm = /^(?!WELLAPI_)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/;

/**
 * The refusals that a module makes: objects with a `reason`, entries of a record by reason that have a `code`, and calls that are given
 * a reason beside what is wrong.
 */
export function refusalsIn(source: string): readonly Refusal[] {
  const module = parseSync(source, { syntax: "typescript" });
  const constants = new Map<string, string>();
  const found: Refusal[] = [];
  walk(module, (node) => {
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.init) {
      const [text] = textsOf(node.init, constants);
      if (text !== undefined) constants.set(node.id.value, text);
    }
    if (node.type === "CallExpression") found.push(...refusalsByCall(node.arguments, constants));
    if (node.type === "ObjectExpression") found.push(...refusalOf(node, constants));
    if (node.type === "KeyValueProperty" && node.value.type === "ObjectExpression") {
      const reason = keyOf(node.key);
      const code = codeOf(propertyOf(node.value, "code"));
      if (reason !== undefined && reasonForm.test(reason) && code !== undefined) {
        found.push({ reason, code, ...messageOf(node.value, constants) });
      }
    }
  });
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: the tree's types have no common form to walk.
type Node = any;

function walk(node: Node, visit: (node: Node) => void): void {
  if (Array.isArray(node)) for (const one of node) walk(one, visit);
  if (node === null || typeof node !== "object" || Array.isArray(node)) return;
  visit(node);
  for (const [key, value] of Object.entries(node)) if (key !== "span") walk(value, visit);
}

function refusalOf(object: ObjectExpression, constants: ReadonlyMap<string, string>): readonly Refusal[] {
  const code = codeOf(propertyOf(object, "code"));
  const status: Node = propertyOf(object, "status");
  const said = {
    ...(code !== undefined && { code }),
    ...(status?.type === "NumericLiteral" && { status: status.value }),
    ...messageOf(object, constants),
  };
  // What an entry of the log says is a reason, too, and nothing that a caller is told.
  const isTold = ["message", "description"].some((key) => propertyOf(object, key) !== undefined);
  if (Object.keys(said).length === 0 && !isTold) return [];
  return textsOf(propertyOf(object, "reason"), constants)
    .filter((reason) => reasonForm.test(reason))
    .map((reason) => ({ reason, ...said }));
}

function refusalsByCall(parameters: Node, constants: ReadonlyMap<string, string>): readonly Refusal[] {
  const texts: readonly (readonly string[])[] = parameters.map(({ expression }: Node) =>
    textsOf(expression, constants),
  );
  const isSentence = (text: string | undefined) => text?.includes(" ");
  return texts.flatMap(([reason], at) => {
    if (reason === undefined || !reason.includes("_") || !reasonForm.test(reason)) return [];
    const said = [texts[at + 1], texts[at - 1]].find((near) => isSentence(near?.[0])) ?? [];
    return said.map((message) => ({ reason, message }));
  });
}

function messageOf(object: ObjectExpression, constants: ReadonlyMap<string, string>) {
  const [message] = ["message", "description"].flatMap((key) => textsOf(propertyOf(object, key), constants));
  // What is passed on as it is says nothing here.
  return message !== undefined && /\p{L}/u.test(message) ? { message } : {};
}

function propertyOf(object: ObjectExpression, key: string): Expression | undefined {
  for (const one of object.properties) {
    if (one.type === "KeyValueProperty" && keyOf(one.key) === key) return one.value;
    if (one.type === "Identifier" && one.value === key) return one;
  }
  return undefined;
}

function keyOf(key: Node): string | undefined {
  return key.type === "Identifier" || key.type === "StringLiteral" ? key.value : undefined;
}

/** `Code.NotFound` is `NotFound`, and so is Connect's "not_found". */
function codeOf(expression: Node): string | undefined {
  if (expression?.type === "StringLiteral") {
    return Object.keys(statuses).find((code) => grpcName(code).toLowerCase() === expression.value);
  }
  const named =
    expression?.type === "MemberExpression" &&
    expression.object.value === "Code" &&
    expression.property.type === "Identifier";
  return named ? expression.property.value : undefined;
}

/** What the expression can be, as far as its module alone says it. */
function textsOf(expression: Node, constants: ReadonlyMap<string, string>): readonly string[] {
  switch (expression?.type) {
    case "StringLiteral":
      return [expression.value];
    case "TemplateLiteral":
      return [expression.quasis.map((part: Node) => part.cooked ?? part.raw).join("…")];
    case "Identifier":
      return [constants.get(expression.value)].filter((text) => text !== undefined);
    case "ConditionalExpression":
      return [expression.consequent, expression.alternate].flatMap((one) => textsOf(one, constants));
    case "ParenthesisExpression":
      return textsOf(expression.expression, constants);
    case "BinaryExpression": {
      if (expression.operator !== "+") return [];
      const [lefts, rights] = [expression.left, expression.right].map((one) => textsOf(one, constants));
      return lefts!.flatMap((left) => rights!.map((right) => left + right));
    }
    default:
      return [];
  }
}

function sources(): readonly string[] {
  return ["packages", "services"].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => /\/src\/.+[.]ts$/.test(path) && !path.includes("node_modules"))
      .sort(),
  );
}

/** The page, as Markdown. */
export function reasonsPage(refusals: readonly Refusal[]): string {
  const ofItems = new Set<string>(itemReasons);
  const isCall = ({ reason, code, status }: Refusal) =>
    code !== undefined || status !== undefined || !ofItems.has(reason);
  const calls = Map.groupBy(refusals.filter(isCall), ({ reason }) => reason);
  const sorted = [...calls].sort(([a], [b]) => (a < b ? -1 : 1));
  return `<!-- Generated from the sources by scripts/reasons-page.ts (make generate). Do not edit. -->

# Reasons

Every refusal has exactly one \`google.rpc.ErrorInfo\`, whose \`reason\` is one of these words: decide by it, and show the message to a person
([what errors hold](concepts/errors.md)). Below each stands what the server says, where \`…\` differs from call to call. A refusal with
several texts has one of them. New reasons may come with any release: treat one that you do not know by its code.

${sorted.map(([reason, all]) => section(reason, all)).join("\n\n")}

## Reasons of items

In a batch each item has its own outcome, and a rejected one names the fields that are wrong. \`field\` says where, by the contract's names.

${itemReasons
  .toSorted()
  .map(
    (reason) =>
      `## ${reason}${calls.has(reason) ? " (of an item)" : ""}\n\n${mend(violation("", reason).description)}`,
  )
  .join("\n\n")}
`;
}

function section(reason: string, all: readonly Refusal[]): string {
  const codes = [...new Set(all.flatMap(({ code }) => code ?? []))].sort();
  const messages = [...new Set(all.flatMap(({ message }) => message ?? []))].sort();
  const bare = [
    ...new Set(all.flatMap(({ code, status }) => (code === undefined ? (status ?? []) : []))),
  ].sort();
  const status = [
    ...codes.map((code) => `\`${grpcName(code)}\` (HTTP ${statuses[code]})`),
    ...bare.filter((one) => !codes.some((code) => statuses[code] === one)).map((one) => `HTTP ${one}`),
  ].join(", ");
  const said = messages.length === 0 ? "The message says what is wrong, and what to do." : "";
  const lines =
    messages.length === 1 ? mend(messages[0]!) : messages.map((one) => `- ${mend(one)}`).join("\n");
  return [`## ${reason}`, status, said, lines].filter((part) => part !== "").join("\n\n");
}

function grpcName(code: string): string {
  return code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** As a sentence, in which Markdown's signs are themselves. */
function mend(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return `${sentence.replaceAll(/(?<=[\w…])_(?=\w)|[*<>[\]]/g, (sign) => `\\${sign}`)}${/[.!?]$/.test(text) ? "" : "."}`;
}

if (import.meta.main) {
  const fresh = reasonsPage(sources().flatMap((path) => refusalsIn(readFileSync(path, "utf8"))));
  if (!process.argv.includes("--check")) writeFileSync(page, fresh);
  else if (readFileSync(page, "utf8") !== fresh) {
    process.stdout.write('docs/reasons.md is not what the sources say; run "make generate"\n');
    process.exitCode = 1;
  }
}
