import { randomUUID } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { ConsentReceiptService } from "@wellapi/gen/wellapi/consent/v1/consent_receipt_service_pb";
import {
  type ConsentRequest,
  ConsentRequest_State,
  ConsentRequestSchema,
  ConsentRequestService,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import type { Command } from "commander";
import {
  count,
  directions,
  instant,
  masks,
  nameOf,
  purposes,
  resolutions,
  several,
  sourceDevice,
  wordOption,
} from "../arguments.ts";
import { connect } from "../connection.ts";
import {
  type CreateOptions,
  consentIn,
  type NarrowingOptions,
  narrowed,
  provisionOf,
  provisionText,
} from "../consent-text.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addProvisionOptions } from "../provision-options.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const dayMs = 86_400_000;

const states = {
  open: ConsentRequest_State.OPEN,
  accepted: ConsentRequest_State.ACCEPTED,
  refused: ConsentRequest_State.REFUSED,
  withdrawn: ConsentRequest_State.WITHDRAWN,
  lapsed: ConsentRequest_State.LAPSED,
};

interface AskOptions extends Omit<CreateOptions, "deny" | "grantee" | "validFrom" | "validTo"> {
  readonly patient: string;
  readonly why: string;
  readonly language?: string;
  readonly days: number;
  readonly waits?: number;
  readonly continues?: string;
}

interface AcceptOptions extends NarrowingOptions {
  readonly validTo?: number;
  readonly from?: string;
}

const columns = [
  "request",
  "patient",
  "organization",
  "asks",
  "until",
  "why",
  "state",
  "waits until",
  "consent",
];

function row(request: ConsentRequest): string[] {
  const { id, patient, organization, provisions, validity, why, state, expireTime, consent } = request;
  const asks = provisions.map(provisionText).join("\n");
  const until = timeText(validity?.endTime);
  return [id, patient, organization, asks, until, why, nameOf(states, state), timeText(expireTime), consent];
}

/** Asking for consent, as an organization, and deciding, as the patient. */
export function addConsentRequests(group: Command, io: Io): void {
  addAsk(group, io);
  addList(group, io);
  addAccept(group, io);
  addEnd(group, io, "refuse", "refuse a request (as the patient): nothing changes by it");
  addEnd(group, io, "withdraw", "withdraw a request that waits (as the organization)");
  addReceiptOf(group, io);
}

function addAsk(group: Command, io: Io): void {
  const ask = addConnectionOptions(group.command("request"), io)
    .description("ask a patient for consent, or to renew or change one (as the organization)")
    .requiredOption("--patient <id>", "the patient, as 'wellapi consent list' names them");
  addProvisionOptions(ask)
    .option("--from <file>", "a consent in JSON, whose provisions are asked for, instead of these options")
    .requiredOption("--days <number>", "for how many days from now, at most 1,096", count)
    .requiredOption("--why <text>", "why, in plain words for the patient")
    .option("--language <tag>", "language of the text, for example de-CH")
    .option("--continues <consent>", "the consent in force that it renews or changes")
    .option("--waits <number>", "for how many days the request waits; default 30", count)
    .option("--request-id <id>", "sending it again gives the same request")
    .addHelpText(
      "after",
      '\nExample: wellapi consent request --patient pat_... --direction read --category heart --purpose treatment \\\n           --resolution daily --days 365 --why "to see how the new medicine does" --credentials credentials/clinic',
    )
    .action(async (options: AskOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { patient, why, language = "", continues = "", days, waits, from, requestId } = options;
      const now = Date.now();
      const file = from === undefined ? undefined : consentIn(from);
      const client = createClient(ConsentRequestService, await connect(settings));
      const { consentRequest } = await client.createConsentRequest({
        requestId: requestId ?? randomUUID(),
        consentRequest: {
          patient,
          provisions: file?.provisions ?? [provisionOf({ ...options, deny: false })],
          ...(file?.notice && { notice: file.notice }),
          validity: { endTime: timestampFromMs(now + days * dayMs) },
          why,
          language,
          continues,
          ...(waits !== undefined && { expireTime: timestampFromMs(now + waits * dayMs) }),
        },
      });
      if (consentRequest === undefined) return;
      createOutput(io, settings.json).message(ConsentRequestSchema, consentRequest, () => consentRequest.id);
    });
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("requests"), io)
    .description("list requests for consent: those to the patient, or those of the organization")
    .addOption(wordOption("--state <word...>", "only those", states))
    .addHelpText("after", "\nExample: wellapi consent requests --state open --as-patient pat_...")
    .action(async (options: { readonly state?: ConsentRequest_State[] }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentRequestService, await connect(settings));
      const query = { states: [...new Set(options.state)] };
      const requests = await Array.fromAsync(
        paginate(
          (pageToken) => client.listConsentRequests({ ...query, pageToken }),
          (page) => page.consentRequests,
        ),
      );
      createOutput(io, settings.json).rows(ConsentRequestSchema, requests, columns, row);
    });
}

function addAccept(group: Command, io: Io): void {
  addConnectionOptions(group.command("accept <request>"), io)
    .description("accept a request, as asked or narrowed (as the patient)")
    .option("--category <name...>", "only these of the categories that were asked for", several(String))
    .addOption(wordOption("--direction <word...>", "only this", directions))
    .addOption(wordOption("--purpose <word...>", "only for these", purposes))
    .addOption(wordOption("--resolution <word>", "no finer than this", resolutions))
    .option("--source <org...>", "only data that these organizations contributed", several(String))
    .option("--device <org:dev...>", "only data of these devices", several(sourceDevice))
    .addOption(
      wordOption(
        "--mask <word...>",
        "without which device it was, notes and other free text, or the performer",
        masks,
      ),
    )
    .option("--last-days <number>", "only data captured in the last so many days, at each use", count)
    .option("--valid-to <time>", "only until then", instant)
    .option("--from <file>", "a consent in JSON, whose provisions are permitted, instead of these options")
    .addHelpText(
      "after",
      "\nExample: wellapi consent accept crq_... --category heart --resolution daily --as-patient pat_...",
    )
    .action(async (id: string, options: AcceptOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentRequestService, await connect(settings));
      const { validTo, from } = options;
      const { consentRequest: asked } = await client.getConsentRequest({ consentRequest: id });
      const { consentRequest } = await client.acceptConsentRequest({
        consentRequest: id,
        provisions:
          from === undefined
            ? narrowed(asked?.provisions ?? [], options, Date.now())
            : consentIn(from).provisions,
        ...(validTo !== undefined && { validity: { endTime: timestampFromMs(validTo) } }),
      });
      if (consentRequest === undefined) return;
      createOutput(io, settings.json).message(
        ConsentRequestSchema,
        consentRequest,
        () => consentRequest.consent,
      );
    });
}

function addEnd(group: Command, io: Io, verb: "refuse" | "withdraw", description: string): void {
  const as = verb === "refuse" ? "--as-patient pat_..." : "--credentials credentials/clinic";
  addConnectionOptions(group.command(`${verb} <request>`), io)
    .description(description)
    .addHelpText("after", `\nExample: wellapi consent ${verb} crq_... ${as}`)
    .action(async (id: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentRequestService, await connect(settings));
      const asked = { consentRequest: id };
      const { consentRequest } =
        verb === "refuse"
          ? await client.refuseConsentRequest(asked)
          : await client.withdrawConsentRequest(asked);
      if (consentRequest === undefined) return;
      createOutput(io, settings.json).message(
        ConsentRequestSchema,
        consentRequest,
        () => `${id} ${nameOf(states, consentRequest.state)}`,
      );
    });
}

function addReceiptOf(group: Command, io: Io): void {
  addConnectionOptions(group.command("receipt <decision>"), io)
    .description("print the signed receipt of a consent or of a request that was refused; keep it")
    .option("--of-version <number>", "of this version of the consent; default the newest", count)
    .addHelpText(
      "after",
      "\nExample: wellapi consent receipt con_... --as-patient pat_... > receipt.jws\n         wellapi receipt verify receipt.jws --kind consent --keys receipt-keys.json",
    )
    .action(async (id: string, { ofVersion = 0 }: { readonly ofVersion?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentReceiptService, await connect(settings));
      const { jws } = await client.getConsentReceipt({
        decision: id.startsWith("crq_")
          ? { case: "consentRequest", value: id }
          : { case: "consentVersion", value: { consent: id, version: ofVersion } },
      });
      createOutput(io, false).line(jws);
    });
}
