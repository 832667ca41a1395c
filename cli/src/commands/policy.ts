import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import {
  type ExplainCallResponse,
  ExplainCallResponseSchema,
  type ExplainedStep,
  ListPoliciesResponseSchema,
  ExplainedStep_Outcome as Outcome,
  type Policy,
  type PolicyMistake,
  PolicySchema,
  PolicyService,
  ExplainedStep_Rule as Rule,
  ValidatePolicyResponseSchema,
} from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { Assurance, CallerKind, Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Command, InvalidArgumentError, Option } from "commander";
import { connect } from "../connection.ts";
import { fileText } from "../file-text.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface Explain {
  readonly kind: string;
  readonly organization?: string;
  readonly caller?: string;
  readonly role: readonly string[];
  readonly assurance?: string;
  readonly scope: readonly string[];
  readonly address?: string;
  readonly time?: Date;
  readonly code?: string;
  readonly purpose?: string;
  readonly emergency?: true;
}

const kinds = ["application", "patient", "person", "member", "operator"] as const;

export function addPolicy(program: Command, io: Io): void {
  const group = program
    .command("policy")
    .description(
      "what an organization forbids its own people and applications, and why a call is permitted or refused",
    );
  addExplain(group, io);
  addStored(group, io);
}

function addExplain(group: Command, io: Io): void {
  addConnectionOptions(group.command("explain <call>"), io)
    .description("say which rules permit or refuse a call, and why: nothing is called")
    .addOption(new Option("--as <kind>", "who would call").choices(kinds).default("application"))
    .option("--organization <id>", "of the application or member; your own unless given")
    .option("--caller <id>", "the application or account, where policies are about a single one")
    .addOption(
      new Option("--role <role>", "a role of the member or of staff; may be repeated")
        .choices(namesOf(Role))
        .argParser(collect)
        .default([]),
    )
    .addOption(new Option("--assurance <level>", "how the person is signed in").choices(namesOf(Assurance)))
    .option("--scope <scope>", "a scope of the access token; may be repeated", collect, [])
    .option("--address <ip>", "from where")
    .option("--time <time>", "when, with its zone; now unless given", instant)
    .option("--code <code>", "the code of the data, for calls about data")
    .addOption(new Option("--purpose <purpose>", "what for, for reads").choices(namesOf(Purpose)))
    .option("--emergency", "under emergency access")
    .addHelpText(
      "after",
      "\nExample: wellapi policy explain ReadSeries --organization org_... --code 8867-4 --purpose research",
    )
    .action(async (call: string, options: Explain & { readonly as: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(PolicyService, await connect(settings));
      const explained = await client.explainCall({
        rpc: call,
        kind: numberOf(CallerKind, options.as),
        organization: options.organization ?? "",
        caller: options.caller ?? "",
        roles: options.role.map((role) => numberOf(Role, role)),
        assurance: options.assurance === undefined ? 0 : numberOf(Assurance, options.assurance),
        scopes: [...options.scope],
        address: options.address ?? "",
        ...(options.time && { time: timestampFromDate(options.time) }),
        code: options.code ?? "",
        purpose: options.purpose === undefined ? 0 : numberOf(Purpose, options.purpose),
        emergency: options.emergency ?? false,
      });
      createOutput(io, settings.json).message(ExplainCallResponseSchema, explained, () =>
        explanation(explained),
      );
    });
}

function addStored(group: Command, io: Io): void {
  const clientOf = async (command: Command) => {
    const settings = settingsOf(command, io);
    return {
      client: createClient(PolicyService, await connect(settings)),
      output: createOutput(io, settings.json),
    };
  };
  const whose = (command: Command) =>
    addConnectionOptions(command, io).option("--organization <id>", "whose; your own unless given");

  whose(group.command("list"))
    .description("list an organization's policies")
    .addHelpText("after", "\nExample: wellapi policy list --organization org_...")
    .action(async ({ organization = "" }: { organization?: string }, command: Command) => {
      const { client, output } = await clientOf(command);
      const found = await client.listPolicies({ organization });
      output.message(ListPoliciesResponseSchema, found, () => found.policies.map(shown).join("\n\n"));
    });
  whose(group.command("validate <file>"))
    .description("say what is wrong with a policy, without storing it")
    .addHelpText("after", "\nExample: wellapi policy validate no-research.cedar")
    .action(async (file: string, { organization = "" }: { organization?: string }, command: Command) => {
      const { client, output } = await clientOf(command);
      const found = await client.validatePolicy({ organization, text: fileText(file) });
      output.message(ValidatePolicyResponseSchema, found, () =>
        found.mistakes.length === 0
          ? "nothing is wrong: it may be stored"
          : found.mistakes.map(mistake).join("\n"),
      );
      if (found.mistakes.length > 0) io.exitCode = 1;
    });
  whose(group.command("create <file>"))
    .description("store a policy, which may only forbid")
    .requiredOption("--reason <text>", "why, in plain words, for whom it refuses")
    .option("--request-id <id>", "sending it again gives the same policy")
    .addHelpText(
      "after",
      '\nExample: wellapi policy create no-research.cedar --reason "Nobody reads for research."',
    )
    .action(
      async (
        file: string,
        {
          organization = "",
          reason,
          requestId,
        }: { organization?: string; reason: string; requestId?: string },
        command: Command,
      ) => {
        const { client, output } = await clientOf(command);
        const text = fileText(file);
        const { policy } = await client.createPolicy({
          policy: { organization, reason, text },
          requestId: requestId ?? crypto.randomUUID(),
        });
        if (policy) output.message(PolicySchema, policy, () => shown(policy));
      },
    );
  whose(group.command("delete <policy>"))
    .description("delete a policy: what it forbade is permitted again, as far as everything else permits it")
    .addHelpText("after", "\nExample: wellapi policy delete pol_...")
    .action(async (policy: string, { organization = "" }: { organization?: string }, command: Command) => {
      const { client } = await clientOf(command);
      await client.deletePolicy({ organization, policy });
      io.stderr.write(`${policy} is deleted\n`);
    });
}

function explanation({ rpc, permitted, steps }: ExplainCallResponse): string {
  const deciding = steps.find(({ outcome }) => outcome === Outcome.REFUSES);
  const verdict = permitted
    ? "nothing that was looked at refuses it"
    : `refused by ${nameOf(Rule, deciding?.rule ?? 0)}: ${deciding?.reason}`;
  return [rpc, verdict, ...steps.map(step)].join("\n");
}

function step({ rule, outcome, policies, explanation: why }: ExplainedStep): string {
  const by = policies.length === 0 ? "" : ` [${policies.join(", ")}]`;
  return `  ${nameOf(Rule, rule).padEnd(12)} ${nameOf(Outcome, outcome).padEnd(10)}${by} ${why}`;
}

function shown({ id, organization, reason, text, createTime }: Policy): string {
  return `${id} of ${organization}${createTime ? `, ${timeText(createTime)}` : ""}\n${reason}\n${text.trimEnd()}`;
}

function mistake({ line, message, help }: PolicyMistake): string {
  return `${line > 0 ? `line ${line}: ` : ""}${message}${help === "" ? "" : ` (${help})`}`;
}

type Named = Readonly<Record<string, string | number>>;

function namesOf(values: Named): readonly string[] {
  return Object.keys(values)
    .filter((name) => !/^\d|UNSPECIFIED/.test(name))
    .map((name) => name.toLowerCase());
}

function numberOf(values: Named, name: string): number {
  const number = values[name.toUpperCase().replaceAll("-", "_")];
  if (typeof number === "number") return number;
  throw new InvalidArgumentError(`${name} is none of ${namesOf(values).join(", ")}`);
}

function nameOf(values: Named, number: number): string {
  return String(values[number]).toLowerCase().replaceAll("_", " ");
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function instant(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || !/(Z|[+-]\d\d:\d\d)$/.test(text)) {
    throw new InvalidArgumentError("expected a time with its zone, such as 2026-11-26T22:00:00Z");
  }
  return time;
}
