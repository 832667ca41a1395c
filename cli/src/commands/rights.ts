import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  Restriction_Ground,
  type RightsAnswer,
  type RightsAnswerSchema,
  RightsFulfilled_Measure,
  RightsRefused_Reason,
  type RightsRequest,
  RightsRequest_State,
  RightsRequestSchema,
} from "@wellapi/gen/wellapi/consent/v1/rights_request_pb";
import { RightsService } from "@wellapi/gen/wellapi/consent/v1/rights_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { count, instant, interval, nameOf, purposes, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const states = {
  open: RightsRequest_State.OPEN,
  overdue: RightsRequest_State.OVERDUE,
  fulfilled: RightsRequest_State.FULFILLED,
  refused: RightsRequest_State.REFUSED,
  withdrawn: RightsRequest_State.WITHDRAWN,
};

const grounds = {
  "accuracy-contested": Restriction_Ground.ACCURACY_CONTESTED,
  unlawful: Restriction_Ground.UNLAWFUL,
  "legal-claims": Restriction_Ground.LEGAL_CLAIMS,
  "objection-pending": Restriction_Ground.OBJECTION_PENDING,
};

const measures = {
  corrected: RightsFulfilled_Measure.CORRECTED,
  retracted: RightsFulfilled_Measure.RETRACTED,
  done: RightsFulfilled_Measure.DONE,
};

const reasons = {
  unfounded: RightsRefused_Reason.UNFOUNDED,
  "not-identified": RightsRefused_Reason.NOT_IDENTIFIED,
  accurate: RightsRefused_Reason.ACCURATE,
  "no-ground": RightsRefused_Reason.NO_GROUND,
  "compelling-grounds": RightsRefused_Reason.COMPELLING_GROUNDS,
  "legal-claims": RightsRefused_Reason.LEGAL_CLAIMS,
  "public-interest": RightsRefused_Reason.PUBLIC_INTEREST,
  "not-portable": RightsRefused_Reason.NOT_PORTABLE,
  "rights-of-others": RightsRefused_Reason.RIGHTS_OF_OTHERS,
  "other-law": RightsRefused_Reason.OTHER_LAW,
};

const columns = ["request", "patient", "organization", "right", "words", "due", "state", "answer"];

function row(request: RightsRequest): string[] {
  const { id, patient, organization, statement, dueTime, state, answers } = request;
  return [
    id,
    patient,
    organization,
    rightText(request),
    statement,
    timeText(dueTime),
    nameOf(states, state),
    answerText(answers.at(-1)),
  ];
}

function rightText({ right, denial, denied }: RightsRequest): string {
  const acts = denial === "" ? "" : `, reads ${denied ? "denied" : "not denied any more"}`;
  switch (right.case) {
    case "rectification": {
      const { category, capturedWithin, device, clinicalRecord } = right.value;
      const { startTime, endTime } = capturedWithin ?? {};
      const window = capturedWithin === undefined ? "" : `${timeText(startTime)} to ${timeText(endTime)}`;
      return ["rectification:", category, window, device, clinicalRecord].filter(Boolean).join(" ");
    }
    case "restriction":
      return (
        `restriction: ${nameOf(grounds, right.value.ground)} ${right.value.categories.join(", ")}`.trim() +
        acts
      );
    case "objection":
      return `objection: ${nameOf(purposes, right.value.purpose)}${acts}`;
    default:
      return right.case ?? "";
  }
}

function answerText(last: RightsAnswer | undefined): string {
  const answer = last?.answer;
  switch (answer?.case) {
    case "fulfilled":
      return `${nameOf(measures, answer.value.measure)}: ${answer.value.statement}`;
    case "refused": {
      const { reason, explanation, remedies } = answer.value;
      return `${nameOf(reasons, reason)}: ${explanation}; remedies: ${remedies}`;
    }
    case "extended":
      return `needs more time: ${answer.value.reason}`;
    default:
      return "";
  }
}

/** What patients demand of organizations by data protection law, and what these answer. */
export function addRights(program: Command, io: Io): void {
  const group = program
    .command("rights")
    .description(
      "rectification, restriction, objection and portability: what a patient demands, and the answers",
    );
  addList(group, io);
  addRectify(group, io);
  addRestrict(group, io);
  addObject(group, io);
  addPort(group, io);
  addWithdraw(group, io);
  addFulfil(group, io);
  addRefuse(group, io);
  addExtend(group, io);
  addReceiptOf(group, io);
}

function print(io: Io, json: boolean, request: RightsRequest | undefined): void {
  if (request === undefined) return;
  const text = () => `${request.id} ${nameOf(states, request.state)}, due ${timeText(request.dueTime)}`;
  createOutput(io, json).message(RightsRequestSchema, request, text);
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list requests: those of the patient, or those to the organization")
    .addOption(wordOption("--state <word...>", "only those", states))
    .option("--organization <id>", "only those to this organization (as the patient)")
    .addHelpText(
      "after",
      "\nExample: wellapi rights list --state open overdue --credentials credentials/clinic",
    )
    .action(
      async (
        { state, organization = "" }: { state?: RightsRequest_State[]; organization?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = createClient(RightsService, await connect(settings));
        const query = { states: [...new Set(state)], organization };
        const found = await Array.fromAsync(
          paginate(
            (pageToken) => client.listRightsRequests({ ...query, pageToken }),
            (page) => page.rightsRequests,
          ),
        );
        createOutput(io, settings.json).rows(RightsRequestSchema, found, columns, row);
      },
    );
}

/** What all demands have. */
interface DemandOptions {
  readonly words?: string;
  readonly requestId?: string;
}

function demandCommand(group: Command, io: Io, name: string, description: string): Command {
  return addConnectionOptions(group.command(`${name} <organization>`), io)
    .description(`${description} (as the patient)`)
    .option("--words <text>", "what is wrong or why, in your own words")
    .option("--request-id <id>", "sending it again gives the same request");
}

async function demand(
  organization: string,
  right: MessageInitShape<typeof RightsRequestSchema>["right"] & object,
  { words = "", requestId = randomUUID() }: DemandOptions,
  command: Command,
  io: Io,
): Promise<void> {
  const settings = settingsOf(command, io);
  const client = createClient(RightsService, await connect(settings));
  const asked = { organization, right, statement: words };
  const { rightsRequest } = await client.createRightsRequest({ rightsRequest: asked, requestId });
  print(io, settings.json, rightsRequest);
}

function addRectify(group: Command, io: Io): void {
  demandCommand(group, io, "rectify", "demand that a datum which the organization sent is corrected")
    .requiredOption("--category <name>", "the kind of data, such as heart")
    .option("--from <time>", "captured from then on", instant)
    .option("--to <time>", "captured before", instant)
    .option("--device <id>", "only of this device")
    .option("--record <id>", "only this clinical record")
    .addHelpText(
      "after",
      '\nExample: wellapi rights rectify org_... --category body --from 2026-03-01T00:00:00Z --words "80 kg, not 8" --as-patient pat_...',
    )
    .action(
      (
        organization: string,
        options: DemandOptions & {
          readonly category: string;
          readonly from?: number;
          readonly to?: number;
          readonly device?: string;
          readonly record?: string;
        },
        command: Command,
      ) => {
        const { category, from, to, device = "", record: clinicalRecord = "" } = options;
        const bounded = from === undefined && to === undefined ? {} : { capturedWithin: interval(from, to) };
        const value = { category, device, clinicalRecord, ...bounded };
        return demand(organization, { case: "rectification", value }, options, command, io);
      },
    );
}

function addRestrict(group: Command, io: Io): void {
  demandCommand(
    group,
    io,
    "restrict",
    "stop the organization's reads at once, and demand that it only stores",
  )
    .addOption(wordOption("--ground <word>", "on which ground", grounds).makeOptionMandatory())
    .option("--category <name...>", "only these kinds of data; default all")
    .addHelpText(
      "after",
      "\nExample: wellapi rights restrict org_... --ground accuracy-contested --as-patient pat_...",
    )
    .action(
      (
        organization: string,
        options: DemandOptions & { readonly ground: Restriction_Ground; readonly category?: string[] },
        command: Command,
      ) => {
        const { ground, category: categories = [] } = options;
        const value = { ground, categories };
        return demand(organization, { case: "restriction", value }, options, command, io);
      },
    );
}

function addObject(group: Command, io: Io): void {
  demandCommand(group, io, "object", "stop the organization's reads for a purpose at once, and object to it")
    .addOption(
      wordOption("--purpose <word>", "for this it shall use nothing", purposes).makeOptionMandatory(),
    )
    .addHelpText("after", "\nExample: wellapi rights object org_... --purpose research --as-patient pat_...")
    .action(
      (organization: string, options: DemandOptions & { readonly purpose: Purpose }, command: Command) => {
        const { purpose } = options;
        return demand(organization, { case: "objection", value: { purpose } }, options, command, io);
      },
    );
}

function addPort(group: Command, io: Io): void {
  demandCommand(group, io, "port", "demand what the organization has outside this exchange")
    .addHelpText(
      "after",
      "\nWhat is in this exchange: wellapi download\nExample: wellapi rights port org_... --as-patient pat_...",
    )
    .action((organization: string, options: DemandOptions, command: Command) =>
      demand(organization, { case: "portability", value: {} }, options, command, io),
    );
}

function addWithdraw(group: Command, io: Io): void {
  addConnectionOptions(group.command("withdraw <request>"), io)
    .description("take a request back; what it denied is permitted again (as the patient)")
    .addHelpText("after", "\nExample: wellapi rights withdraw rrq_... --as-patient pat_...")
    .action(async (id: string, _: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RightsService, await connect(settings));
      const { rightsRequest } = await client.withdrawRightsRequest({ rightsRequest: id });
      print(io, settings.json, rightsRequest);
    });
}

/** What all answers have. */
interface AnswerOptions {
  readonly etag?: string;
  readonly requestId?: string;
}

function answerCommand(group: Command, io: Io, name: string, description: string): Command {
  return addConnectionOptions(group.command(`${name} <request>`), io)
    .description(`${description} (as the organization)`)
    .option("--etag <etag>", "only if it is still this version")
    .option("--request-id <id>", "sending it again gives the same answer");
}

async function answer(
  id: string,
  said: MessageInitShape<typeof RightsAnswerSchema>["answer"] & object,
  { etag = "", requestId = randomUUID() }: AnswerOptions,
  command: Command,
  io: Io,
): Promise<void> {
  const settings = settingsOf(command, io);
  const client = createClient(RightsService, await connect(settings));
  const sent = { rightsRequest: id, answer: { answer: said }, etag, requestId };
  print(io, settings.json, (await client.answerRightsRequest(sent)).rightsRequest);
}

function addFulfil(group: Command, io: Io): void {
  answerCommand(group, io, "fulfil", "answer that it is done; this is final")
    .addOption(wordOption("--measure <word>", "what was done", measures).makeOptionMandatory())
    .requiredOption("--statement <text>", "in plain words for the patient")
    .addHelpText(
      "after",
      '\nExample: wellapi rights fulfil rrq_... --measure corrected --statement "sent anew: 80 kg" --credentials credentials/clinic',
    )
    .action(
      (
        id: string,
        options: AnswerOptions & { readonly measure: RightsFulfilled_Measure; readonly statement: string },
        command: Command,
      ) => {
        const { measure, statement } = options;
        return answer(id, { case: "fulfilled", value: { measure, statement } }, options, command, io);
      },
    );
}

function addRefuse(group: Command, io: Io): void {
  answerCommand(group, io, "refuse", "refuse, by which rule, and what the patient can do")
    .addOption(wordOption("--reason <word>", "on which ground", reasons).makeOptionMandatory())
    .requiredOption("--explanation <text>", "the facts and the rule, in plain words for the patient")
    .requiredOption("--remedies <text>", "the supervisory authority and the court")
    .addHelpText(
      "after",
      '\nExample: wellapi rights refuse rrq_... --reason accurate --explanation "measured twice" --remedies "..." --credentials credentials/clinic',
    )
    .action(
      (
        id: string,
        options: AnswerOptions & {
          readonly reason: RightsRefused_Reason;
          readonly explanation: string;
          readonly remedies: string;
        },
        command: Command,
      ) => {
        const { reason, explanation, remedies } = options;
        return answer(
          id,
          { case: "refused", value: { reason, explanation, remedies } },
          options,
          command,
          io,
        );
      },
    );
}

function addExtend(group: Command, io: Io): void {
  answerCommand(group, io, "extend", "take two more months, once")
    .requiredOption("--reason <text>", "why")
    .addHelpText(
      "after",
      '\nExample: wellapi rights extend rrq_... --reason "records of three houses" --credentials credentials/clinic',
    )
    .action((id: string, options: AnswerOptions & { readonly reason: string }, command: Command) =>
      answer(id, { case: "extended", value: { reason: options.reason } }, options, command, io),
    );
}

function addReceiptOf(group: Command, io: Io): void {
  addConnectionOptions(group.command("receipt <request>"), io)
    .description("print the signed receipt that a request was made, or of an answer; keep it")
    .option("--answer <number>", "which of its answers, from 1", count)
    .addHelpText("after", "\nExample: wellapi rights receipt rrq_... --as-patient pat_... > receipt.jws")
    .action(async (id: string, { answer: number = 0 }: { readonly answer?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentReceiptService, await connect(settings));
      const value = { rightsRequest: id, answer: number };
      const { jws } = await client.getConsentReceipt({ decision: { case: "rightsStep", value } });
      createOutput(io, false).line(jws);
    });
}
