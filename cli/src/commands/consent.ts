import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { type Consent, Consent_State, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import type { Command } from "commander";
import { instant, nameOf, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { type CreateOptions, consentIn, consentOf, provisionText, states } from "../consent-text.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addExceptions, addProvisionOptions } from "../provision-options.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { addConsentPreview } from "./consent-preview.ts";
import { addConsentRequests } from "./consent-request.ts";

interface ListOptions {
  active: boolean;
  state?: Consent_State[];
  grantee?: string;
}

const example = `
Example: wellapi consent create --as-patient pat_... --grantee org_... --direction read \\
           --category heart --purpose treatment --resolution raw
Example: wellapi consent create --as-patient pat_... --grantee org_... --direction read --category heart \\
           --purpose treatment --except-device org_...:dev_...
Example: wellapi consent create --as-patient pat_... --from consent.json

A file holds a whole consent in JSON, for example
  {"grantee": "org_...", "provisions": [
    {"effect": "EFFECT_PERMIT", "directions": ["DIRECTION_CONTRIBUTE", "DIRECTION_READ"],
     "categories": [{"name": "heart"}], "purposes": ["PURPOSE_TREATMENT"], "resolution": "RESOLUTION_RAW"},
    {"effect": "EFFECT_DENY", "directions": ["DIRECTION_READ"], "categories": [{"name": "heart"}],
     "capturedWithin": {"startTime": "2026-03-01T00:00:00Z", "endTime": "2026-04-01T00:00:00Z"}}]}`;

function row(consent: Consent): string[] {
  return [
    consent.id,
    consent.patient,
    consent.grantee,
    consent.provisions.map(provisionText).join("\n"),
    nameOf(states, consent.state),
    timeText(consent.createTime),
  ];
}

export function addConsent(program: Command, io: Io): void {
  const group = program.command("consent").description("what a patient permits and denies");
  addCreate(group, io);
  addConsentRequests(group, io);
  addConsentPreview(group, io);
  addConnectionOptions(group.command("list"), io)
    .description("list the caller's consents; a grantee finds its patients' ids here")
    .option("--active", "only those in force", false)
    .addOption(wordOption("--state <word...>", "only those", states))
    .option("--grantee <org>", "only those of this organization (as the patient)")
    .addHelpText("after", "\nExample: wellapi consent list --as-patient pat_...")
    .action(async (options: ListOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentService, await connect(settings));
      const wanted = [...(options.state ?? []), ...(options.active ? [Consent_State.ACTIVE] : [])];
      const query = { states: [...new Set(wanted)], grantee: options.grantee ?? "" };
      const consents = await Array.fromAsync(
        paginate(
          (pageToken) => client.listConsents({ ...query, pageToken }),
          (page) => page.consents,
        ),
      );
      createOutput(io, settings.json).rows(
        ConsentSchema,
        consents,
        ["consent", "patient", "grantee", "says", "state", "created"],
        row,
      );
    });
  addConnectionOptions(group.command("revoke <consent>"), io)
    .description("revoke; once this returns no read that starts later gets the data")
    .option("--etag <etag>", "only if the consent still is at this version")
    .addHelpText("after", "\nExample: wellapi consent revoke con_... --as-patient pat_...")
    .action(async (id: string, options: { etag?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(ConsentService, await connect(settings));
      const { consent } = await client.revokeConsent({ consent: id, etag: options.etag ?? "" });
      if (consent) {
        createOutput(io, settings.json).message(
          ConsentSchema,
          consent,
          () => `${consent.id} revoked at ${timeText(consent.revokeTime)}`,
        );
      }
    });
}

function addCreate(group: Command, io: Io): void {
  const create = addConnectionOptions(group.command("create"), io)
    .description("permit an organization to contribute or read, or deny it (as the patient)")
    .option("--grantee <org>", "the organization")
    .option("--deny", "deny instead of permit: a denial beats every permission", false);
  addExceptions(addProvisionOptions(create))
    .option("--valid-from <time>", "in force from", instant)
    .option("--valid-to <time>", "in force until", instant)
    .option("--from <file>", "a whole consent in JSON, with any provisions, instead of these options")
    .option("--request-id <id>", "sending it again gives the same consent")
    .addHelpText("after", example)
    .action(async (options: CreateOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const asked = options.from === undefined ? consentOf(options) : consentIn(options.from);
      const client = createClient(ConsentService, await connect(settings));
      const { consent } = await client.createConsent({
        requestId: options.requestId ?? randomUUID(),
        consent: asked,
      });
      if (consent) createOutput(io, settings.json).message(ConsentSchema, consent, () => consent.id);
    });
}
