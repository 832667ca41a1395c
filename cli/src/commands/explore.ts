import { text } from "node:stream/consumers";
import {
  create,
  createRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromJsonString,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Connection, WellApiError } from "@wellapi/client";
import { faultHeader, fieldRules, fieldType, isDestructive, rpcName } from "@wellapi/descriptors";
import { fieldComments } from "@wellapi/gen/openapi/field_comments";
import type { Command } from "commander";
import { connect, connectAnonymously } from "../connection.ts";
import { CliError } from "../failure.ts";
import { fileText } from "../file-text.ts";
import type { Io } from "../io.ts";
import { createOutput, table } from "../output.ts";
import { findRpc, publicServices } from "../public-services.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

interface CallOptions {
  readonly data?: string;
  readonly file?: string;
  readonly yes: boolean;
  readonly live: boolean;
  readonly anonymous: boolean;
}

/** Every public RPC: which there are, what one takes, and a call with JSON. */
export function addExplore(program: Command, io: Io): void {
  const group = program
    .command("explore")
    .description("every public RPC: list them, describe one, call it with JSON and your own credential");
  addList(group, io);
  addDescribe(group, io);
  addCall(group, io);
}

function addList(group: Command, io: Io): void {
  group
    .command("list [text]")
    .description("list all RPCs, or those whose name has the text")
    .option("--json", "print JSON, one document a line", false)
    .addHelpText("after", "\nExample: wellapi explore list consent")
    .action(async (wanted: string | undefined, { json }: { json: boolean }) => {
      const output = createOutput(io, json);
      const methods = (await publicServices())
        .flatMap((service) => service.methods)
        .filter((method) =>
          rpcName(method)
            .toLowerCase()
            .includes((wanted ?? "").toLowerCase()),
        );
      if (json) for (const method of methods) output.line(JSON.stringify(factsOf(method)));
      else {
        const rows = methods.map((method) => [rpcName(method), kindOf(method), marksOf(method)]);
        output.line(rows.length === 0 ? "none" : table(["rpc", "kind", ""], rows));
      }
    });
}

function addDescribe(group: Command, io: Io): void {
  group
    .command("describe <rpc>")
    .description("what an RPC takes and answers, with the contract's rules")
    .option(
      "--url <url>",
      "the gateway, for the link to the reference",
      io.env.WELLAPI_URL ?? "http://localhost:7080",
    )
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample: wellapi explore describe RecordsService/ReadSeries")
    .action(async (name: string, { url, json }: { url: string; json: boolean }) => {
      const method = findRpc(await publicServices(), name);
      const reference = new URL(`/docs/reference/${method.parent.typeName}`, url).href;
      const messages = [...below(method.input), ...below(method.output)];
      const facts = {
        ...factsOf(method),
        reference,
        messages: [...new Set(messages)].map((message) => ({
          name: message.typeName,
          fields: message.fields.map(fieldFacts),
        })),
      };
      createOutput(io, json).object(facts, () =>
        [
          `${facts.rpc}  ${[facts.kind, marksOf(method)].filter(Boolean).join(", ")}`,
          `takes ${facts.takes}, answers ${facts.answers}; ${reference}`,
          ...facts.messages.flatMap(({ name: message, fields }) => [
            "",
            message,
            ...(fields.length === 0 ? ["  no fields"] : fields.map(lineOf)),
          ]),
        ].join("\n"),
      );
    });
}

function addCall(group: Command, io: Io): void {
  addConnectionOptions(group.command("call <rpc>"), io)
    .description("call an RPC with a request in JSON; prints each answer in JSON")
    .option("--data <json>", "the request; - reads it from standard input (default: {})")
    .option("--file <file>", "the file with the request")
    .option("--anonymous", "call without a credential", false)
    .option("--yes", "really: call what ends, deletes or replaces something", false)
    .option("--live", "with --yes: also at an exchange that is no sandbox", false)
    .addHelpText(
      "after",
      "\nExample: wellapi explore call ConsentService/ListConsents --data '{\"pageSize\": 5}' --credentials credentials/clinic",
    )
    .action(async (name: string, options: CallOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const method = findRpc(await publicServices(), name);
      if (method.methodKind !== "unary" && method.methodKind !== "server_streaming")
        throw new CliError("usage", `${rpcName(method)} takes a stream: use ingest, or a client library`);
      if (isDestructive(method) && !options.yes)
        throw new CliError(
          "usage",
          `${rpcName(method)} ends, deletes or replaces something: say --yes if you mean it`,
        );
      const request = messageOf(method, await requestText(options, io));
      const connection = await connectAs(settings, options);
      try {
        if (isDestructive(method) && !options.live) await assertSandbox(connection, method, request);
        const output = createOutput(io, settings.json);
        const registry = createRegistry(method.parent.file);
        const spaces = settings.json ? {} : { prettySpaces: 2 };
        for await (const answer of answersOf(connection, method, request, { signal: io.interrupted() }))
          output.line(toJsonString(method.output, answer, { registry, ...spaces }));
      } finally {
        connection.close();
      }
    });
}

async function connectAs(settings: Settings, { anonymous }: CallOptions): Promise<Connection> {
  return anonymous ? connectAnonymously(settings) : connect(settings);
}

async function requestText({ data, file }: CallOptions, io: Io): Promise<string> {
  if (data !== undefined && file !== undefined)
    throw new CliError("usage", "--data and --file are two ways to give one request: name one");
  if (file !== undefined) return fileText(file);
  return data === "-" ? text(io.stdin) : (data ?? "{}");
}

/** Throws CliError `input`, which says what is not the contract's. */
function messageOf(method: DescMethod, json: string): Message {
  try {
    return fromJsonString(method.input, json, { registry: createRegistry(method.parent.file) });
  } catch (cause) {
    throw new CliError("input", `the request is not what the RPC takes: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Orders the same call to fail: a sandbox says that nothing was done, any other exchange that it takes no orders, and does nothing either. Throws
 * CliError `usage` there, and what else the call is refused for.
 */
async function assertSandbox(connection: Connection, method: DescMethod, request: Message): Promise<void> {
  const header = { [faultHeader]: "unavailable" };
  try {
    for await (const _ of answersOf(connection, method, request, { header }));
  } catch (error) {
    const { reason } = WellApiError.from(error);
    if (reason === "FAULT_ORDERED") return;
    if (reason !== "SANDBOX_ONLY") throw error;
  }
  throw new CliError(
    "usage",
    `this exchange is no sandbox, and ${rpcName(method)} ends, deletes or replaces something: say --live if you mean it`,
  );
}

/** Of a stream, each as it comes. Throws ConnectError. */
async function* answersOf(
  connection: Connection,
  method: DescMethod,
  request: Message,
  { signal, header }: { readonly signal?: AbortSignal; readonly header?: Readonly<Record<string, string>> },
): AsyncGenerator<Message> {
  if (method.methodKind === "unary") {
    const { message } = await connection.unary(method as never, signal, undefined, header, request as never);
    yield message as Message;
    return;
  }
  const one = (async function* () {
    yield create(method.input, request as never);
  })();
  try {
    const answer = await connection.stream(method as never, signal, undefined, header, one as never);
    yield* answer.message as AsyncIterable<Message>;
  } catch (error) {
    // Ctrl-C ends a stream.
    if (ConnectError.from(error).code !== Code.Canceled || signal?.aborted !== true) throw error;
  }
}

function kindOf({ methodKind }: DescMethod): string {
  return methodKind.replace("_", " ");
}

function marksOf(method: DescMethod): string {
  return isDestructive(method) ? "ends or replaces something" : "";
}

function factsOf(method: DescMethod) {
  return {
    rpc: rpcName(method),
    kind: kindOf(method),
    destructive: isDestructive(method),
    takes: method.input.typeName,
    answers: method.output.typeName,
  };
}

function fieldFacts(field: DescField) {
  return {
    name: field.jsonName,
    type: fieldType(field),
    ...(field.oneof && { oneof: field.oneof.name }),
    ...(field.enum && { values: field.enum.values.map(({ name }) => name) }),
    ...(fieldRules(field) !== "" && { rules: fieldRules(field) }),
    // Of requests alone.
    comment: fieldComments[`${field.parent.typeName}.${field.jsonName}`] ?? "",
  };
}

function lineOf({ name, type, oneof, values, rules, comment }: ReturnType<typeof fieldFacts>): string {
  const more = [type, oneof && `one of ${oneof}`, values?.join(" | "), rules].filter(Boolean);
  return `  ${name}: ${more.join("  ")}${comment === "" ? "" : `\n      ${comment}`}`;
}

/** The message and what lies in it, each once; what is not the contract's own has a form in JSON of its own. */
function below(message: DescMessage, found = new Set<DescMessage>()): ReadonlySet<DescMessage> {
  if (found.has(message) || message.typeName.startsWith("google.protobuf.")) return found;
  found.add(message);
  for (const field of message.fields) if (field.message !== undefined) below(field.message, found);
  return found;
}
