import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  DataKept_Reason,
  type DeletionAnswer,
  type DeletionAnswerSchema,
  type DeletionObligation,
  DeletionObligation_State,
  DeletionObligationSchema,
  DeletionObligationService,
} from "@wellapi/gen/wellapi/consent/v1/deletion_obligation_service_pb";
import type { Command } from "commander";
import { count, instant, nameOf, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const states = {
  open: DeletionObligation_State.OPEN,
  deleted: DeletionObligation_State.DELETED,
  kept: DeletionObligation_State.KEPT,
  overdue: DeletionObligation_State.OVERDUE,
};

const reasons = {
  "legal-obligation": DataKept_Reason.LEGAL_OBLIGATION,
  "public-health": DataKept_Reason.PUBLIC_HEALTH,
  research: DataKept_Reason.RESEARCH,
  "legal-claims": DataKept_Reason.LEGAL_CLAIMS,
  "other-consent": DataKept_Reason.OTHER_CONSENT,
};

const columns = ["obligation", "patient", "organization", "consent", "received", "due", "state", "answer"];

function row(obligation: DeletionObligation): string[] {
  const { id, patient, organization, consent, received, dueTime, state, answers } = obligation;
  const parts = received.map(({ category, values, unknownAmountReads, firstTime, lastTime }) => {
    const amount = unknownAmountReads > 0n ? `${values}+` : String(values);
    return `${category || "(no category)"}: ${amount}, ${timeText(firstTime)} to ${timeText(lastTime)}`;
  });
  return [
    id,
    patient,
    organization,
    consent,
    parts.join("\n"),
    timeText(dueTime),
    nameOf(states, state),
    answerText(answers.at(-1)),
  ];
}

function answerText(last: DeletionAnswer | undefined): string {
  const answer = last?.answer;
  if (answer?.case === "deleted") return answer.value.statement;
  if (answer?.case !== "kept") return "";
  const { reason, citation, keepUntilTime } = answer.value;
  const until = keepUntilTime === undefined ? "" : `, until ${timeText(keepUntilTime)}`;
  return `${nameOf(reasons, reason)}: ${citation}${until}`;
}

/** What organizations must delete once a consent has ended. */
export function addObligations(program: Command, io: Io): void {
  const group = program
    .command("obligations")
    .description("what an organization must delete once a consent has ended, and what it answers");
  addList(group, io);
  addAttest(group, io);
  addKeep(group, io);
  addReceiptOf(group, io);
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list obligations to delete: those about the patient, or those of the organization")
    .addOption(wordOption("--state <word...>", "only those", states))
    .option("--organization <id>", "only those of this organization (as the patient)")
    .addHelpText(
      "after",
      "\nExample: wellapi obligations list --state open overdue --credentials credentials/clinic",
    )
    .action(
      async (
        { state, organization = "" }: { state?: DeletionObligation_State[]; organization?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = createClient(DeletionObligationService, await connect(settings));
        const query = { states: [...new Set(state)], organization };
        const found = await Array.fromAsync(
          paginate(
            (pageToken) => client.listDeletionObligations({ ...query, pageToken }),
            (page) => page.deletionObligations,
          ),
        );
        createOutput(io, settings.json).rows(DeletionObligationSchema, found, columns, row);
      },
    );
}

/** What both answers have. */
interface AnswerOptions {
  readonly etag?: string;
  readonly requestId?: string;
}

function addAnswerOptions(command: Command): Command {
  return command
    .option("--etag <etag>", "only if it is still this version")
    .option("--request-id <id>", "sending it again gives the same answer");
}

async function answer(
  id: string,
  said: MessageInitShape<typeof DeletionAnswerSchema>["answer"],
  { etag = "", requestId = randomUUID() }: AnswerOptions,
  command: Command,
  io: Io,
): Promise<void> {
  const settings = settingsOf(command, io);
  const client = createClient(DeletionObligationService, await connect(settings));
  const { deletionObligation } = await client.answerDeletionObligation({
    deletionObligation: id,
    answer: { answer: said },
    etag,
    requestId,
  });
  if (deletionObligation === undefined) return;
  createOutput(io, settings.json).message(
    DeletionObligationSchema,
    deletionObligation,
    () => `${id} ${nameOf(states, deletionObligation.state)}`,
  );
}

function addAttest(group: Command, io: Io): void {
  addAnswerOptions(
    addConnectionOptions(group.command("attest <obligation>"), io)
      .description("attest that the data is deleted (as the organization); this is final")
      .requiredOption("--statement <text>", "what was deleted, in plain words for the patient"),
  )
    .addHelpText(
      "after",
      '\nExample: wellapi obligations attest dob_... --statement "deleted; backups follow within 30 days" --credentials credentials/clinic',
    )
    .action((id: string, options: AnswerOptions & { readonly statement: string }, command: Command) => {
      const { statement } = options;
      return answer(id, { case: "deleted", value: { statement } }, options, command, io);
    });
}

function addKeep(group: Command, io: Io): void {
  addAnswerOptions(
    addConnectionOptions(group.command("keep <obligation>"), io)
      .description("answer by which law the data is kept (as the organization)")
      .addOption(wordOption("--reason <word>", "on which ground", reasons).makeOptionMandatory())
      .requiredOption("--citation <text>", "the rule that says so")
      .option("--until <time>", "until when", instant),
  )
    .addHelpText(
      "after",
      '\nExample: wellapi obligations keep dob_... --reason legal-obligation --citation "§ 630f (3) BGB" --credentials credentials/clinic',
    )
    .action(
      (
        id: string,
        options: AnswerOptions & { reason: DataKept_Reason; citation: string; until?: number },
        command: Command,
      ) => {
        const { reason, citation, until } = options;
        const keepUntil = until === undefined ? {} : { keepUntilTime: timestampFromMs(until) };
        return answer(id, { case: "kept", value: { reason, citation, ...keepUntil } }, options, command, io);
      },
    );
}

function addReceiptOf(group: Command, io: Io): void {
  addConnectionOptions(group.command("receipt <obligation>"), io)
    .description("print the signed receipt of an answer; keep it")
    .option("--answer <number>", "which of its answers; default the newest", count)
    .addHelpText("after", "\nExample: wellapi obligations receipt dob_... --as-patient pat_... > receipt.jws")
    .action(async (id: string, { answer: number = 0 }: { readonly answer?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentReceiptService, await connect(settings));
      const value = { deletionObligation: id, number };
      const { jws } = await client.getConsentReceipt({ decision: { case: "obligationAnswer", value } });
      createOutput(io, false).line(jws);
    });
}
