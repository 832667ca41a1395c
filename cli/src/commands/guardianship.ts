import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import {
  CreateGuardianCodeResponseSchema,
  DisputeSchema,
  GuardianshipSchema,
  GuardianshipService,
  type Petition,
  Petition_State,
  PetitionSchema,
} from "@wellapi/gen/wellapi/identity/v1/guardianship_service_pb";
import type { Command } from "commander";
import { instant, nameOf } from "../arguments.ts";
import { codeFrom } from "../code-file.ts";
import { connect } from "../connection.ts";
import { states as delegationStates, patientOf, printDelegation } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const states = {
  waiting: Petition_State.WAITING,
  confirmed: Petition_State.CONFIRMED,
  refused: Petition_State.REFUSED,
  withdrawn: Petition_State.WITHDRAWN,
  lapsed: Petition_State.LAPSED,
} as const;

export function addGuardianship(program: Command, io: Io): void {
  const group = program
    .command("guardianship")
    .description("guardianship that persons ask for by themselves (petitions), and disputes about guardians");
  addCode(group, io);
  addAsk(group, io);
  addPetitions(group, io);
  addDecisions(group, io);
  addOwn(group, io);
  addDisputes(group, io);
}

function addCode(group: Command, io: Io): void {
  addConnectionOptions(group.command("code"), io)
    .description(
      "make a code by which one person may ask to become a patient's guardian; it works for seven days",
    )
    .option("--patient <id>", "the patient, by your own id for them")
    .option("--request-id <uuid>", "sending it again within a day gives the same code")
    .addHelpText("after", "\nExample: wellapi guardianship code --patient pat_...")
    .action(async (options: { patient?: string; requestId?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      const requestId = options.requestId ?? randomUUID();
      const made = await client.createGuardianCode({
        patient: patientOf(options.patient, settings),
        requestId,
      });
      createOutput(io, settings.json).message(CreateGuardianCodeResponseSchema, made, () => made.code);
    });
}

interface AskOptions {
  readonly codeFile?: string;
  readonly name: string;
  readonly patientName: string;
  readonly grounds: string;
  readonly birthDate?: string;
  readonly until?: number;
  readonly requestId?: string;
}

function addAsk(group: Command, io: Io): void {
  addConnectionOptions(group.command("ask"), io)
    .description("ask to become a guardian, by the code that you got")
    .option("--code-file <file>", "file with the code (or set WELLAPI_GUARDIAN_CODE)")
    .requiredOption("--name <name>", "what you are called")
    .requiredOption("--patient-name <name>", "what the patient is called")
    .requiredOption(
      "--grounds <text>",
      "what shows your right: a birth certificate, a court's order and its number",
    )
    .option("--birth-date <date>", "of a child, 2012-03-31: the access ends when it comes of age")
    .option("--until <time>", "when the grounds end", instant)
    .option("--request-id <id>", "sending it again gives the same petition")
    .addHelpText(
      "after",
      "\nExample: wellapi login --as account && wellapi guardianship ask --code-file code.txt --name Alex \\\n" +
        '           --patient-name Kim --grounds "birth certificate 77/2012" --birth-date 2012-03-31',
    )
    .action(async (options: AskOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { name: displayName, patientName, grounds, birthDate = "", until } = options;
      // A link is as good as its code, which is after the #.
      const code = codeFrom(options.codeFile, "WELLAPI_GUARDIAN_CODE", io).replace(/^.*#/, "");
      const client = createClient(GuardianshipService, await connect(settings));
      const { petition } = await client.createPetition({
        ...{ code, displayName, patientName, grounds, birthDate },
        ...(until !== undefined && { groundsEndTime: timestampFromMs(until) }),
        requestId: options.requestId ?? randomUUID(),
      });
      print(createOutput(io, settings.json), petition);
    });
}

function addPetitions(group: Command, io: Io): void {
  addConnectionOptions(group.command("petitions"), io)
    .description("list petitions: your own, those about a record, or those that wait for you to verify")
    .addHelpText("after", "\nExample: wellapi login --as staff && wellapi guardianship petitions")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      const all = await Array.fromAsync(
        paginate(
          (pageToken) => client.listPetitions({ pageToken }),
          (page) => page.petitions,
        ),
      );
      const head = [
        "petition",
        "state",
        "patient",
        "patient's name",
        "name",
        "e-mail",
        "born",
        "grounds",
        "lapses",
      ];
      createOutput(io, settings.json).rows(PetitionSchema, all, head, (one) => [
        ...[one.id, nameOf(states, one.state), one.patient, one.patientName, one.displayName, one.email],
        ...[one.birthDate, one.grounds, timeText(one.expireTime)],
      ]);
    });
  addConnectionOptions(group.command("withdraw <petition>"), io)
    .description("take your petition back")
    .addHelpText("after", "\nExample: wellapi guardianship withdraw pet_...")
    .action(async (petition: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      print(createOutput(io, settings.json), (await client.withdrawPetition({ petition })).petition);
    });
}

function addDecisions(group: Command, io: Io): void {
  const decide = async (
    petition: string,
    state: Petition_State,
    options: { readonly reason: string; readonly birthDate?: string; readonly until?: number },
    command: Command,
  ) => {
    const settings = settingsOf(command, io);
    const { reason, birthDate = "", until } = options;
    const client = createClient(GuardianshipService, await connect(settings));
    const decided = await client.decidePetition({
      ...{ petition, state, reason, birthDate },
      ...(until !== undefined && { groundsEndTime: timestampFromMs(until) }),
    });
    print(createOutput(io, settings.json), decided.petition);
  };
  addConnectionOptions(group.command("confirm <petition>"), io)
    .description("confirm a petition whose papers you have seen: the person is a guardian at once")
    .requiredOption("--reason <text>", "what you have seen; kept as the guardian's grounds")
    .option(
      "--birth-date <date>",
      "of a child, as the papers show it; without, nothing is hidden and nothing ends",
    )
    .option("--until <time>", "when the grounds end", instant)
    .addHelpText(
      "after",
      '\nExample: wellapi guardianship confirm pet_... --reason "birth certificate 77/2012" --birth-date 2012-03-31',
    )
    .action((petition: string, options: { reason: string }, command: Command) =>
      decide(petition, Petition_State.CONFIRMED, options, command),
    );
  addConnectionOptions(group.command("refuse <petition>"), io)
    .description("refuse a petition; the person reads the reason")
    .requiredOption("--reason <text>", "why")
    .addHelpText("after", '\nExample: wellapi guardianship refuse pet_... --reason "the order has ended"')
    .action((petition: string, options: { reason: string }, command: Command) =>
      decide(petition, Petition_State.REFUSED, options, command),
    );
}

function addOwn(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list for whom you are, or were, a guardian")
    .addHelpText("after", "\nExample: wellapi login --as account && wellapi guardianship list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      const all = await Array.fromAsync(
        paginate(
          (pageToken) => client.listGuardianships({ pageToken }),
          (page) => page.guardianships,
        ),
      );
      const head = ["delegation", "state", "patient", "name", "until"];
      createOutput(io, settings.json).rows(
        GuardianshipSchema,
        all,
        head,
        ({ delegation, patient, patientName }) => [
          ...[delegation?.id ?? "", nameOf(delegationStates, delegation?.state), patient, patientName],
          timeText(delegation?.expireTime),
        ],
      );
    });
}

function addDisputes(group: Command, io: Io): void {
  addConnectionOptions(group.command("dispute <delegation>"), io)
    .description(
      "as the patient or another guardian: say that a guardian may not act, until the officer has decided",
    )
    .requiredOption("--reason <text>", "why; for the officer and whoever verified, not for the guardian")
    .addHelpText("after", '\nExample: wellapi guardianship dispute del_... --reason "the court has ended it"')
    .action(async (delegation: string, { reason }: { reason: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      const disputed = await client.disputeGuardian({ delegation, reason });
      printDelegation(createOutput(io, settings.json), disputed.delegation);
    });
  addConnectionOptions(group.command("disputes"), io)
    .description(
      "as the privacy officer: list the disputes that wait; `wellapi guardian restore` or `end` decides",
    )
    .addHelpText("after", "\nExample: wellapi login --as staff && wellapi guardianship disputes")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(GuardianshipService, await connect(settings));
      const all = await Array.fromAsync(
        paginate(
          (pageToken) => client.listDisputes({ pageToken }),
          (page) => page.disputes,
        ),
      );
      const head = ["delegation", "patient", "name", "since", "grounds"];
      createOutput(io, settings.json).rows(DisputeSchema, all, head, ({ delegation, patient }) => [
        ...[delegation?.id ?? "", patient, delegation?.displayName ?? "", timeText(delegation?.disputeTime)],
        delegation?.grounds ?? "",
      ]);
    });
}

function print(output: Output, petition: Petition | undefined): void {
  if (petition === undefined) return;
  const { id, state, displayName } = petition;
  output.message(PetitionSchema, petition, () => [id, displayName, nameOf(states, state)].join("  "));
}
