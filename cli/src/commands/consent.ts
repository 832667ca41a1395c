import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { type Consent, Consent_Status, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { type Direction, type Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import {
  directions,
  instant,
  interval,
  nameOf,
  oneOf,
  purposes,
  resolutions,
  several,
} from "../arguments.ts";
import { connect } from "../connection.ts";
import { createOutput, timeText } from "../output.ts";
import { pages } from "../pages.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface CreateOptions {
  grantee: string;
  direction: Direction;
  category: string[];
  purpose?: Purpose[];
  resolution?: Resolution;
  windowFrom?: number;
  windowTo?: number;
  validFrom?: number;
  validTo?: number;
  requestId?: string;
}

const statusNames = {
  active: Consent_Status.ACTIVE,
  revoked: Consent_Status.REVOKED,
  expired: Consent_Status.EXPIRED,
};

function row(consent: Consent): string[] {
  return [
    consent.id,
    consent.patient,
    consent.grantee,
    nameOf(directions, consent.direction),
    consent.categories.map((c) => `${c.name}@${c.version}`).join(" "),
    consent.purposes.map((p) => nameOf(purposes, p)).join(" "),
    nameOf(resolutions, consent.resolution),
    nameOf(statusNames, consent.status),
    timeText(consent.createTime),
  ];
}

export function addConsent(program: Command): void {
  const group = program.command("consent").description("what a patient permits");
  addConnectionOptions(group.command("create"))
    .description("permit an organization to contribute or read (as the patient)")
    .requiredOption("--grantee <org>", "the organization")
    .requiredOption("--direction <word>", "contribute or read", oneOf(directions))
    .requiredOption("--category <name...>", "heart, activity, sleep, body, glucose, …", several(String))
    .option("--purpose <word...>", "what for (reading)", several(oneOf(purposes)))
    .option("--resolution <word>", "raw, hourly or daily", oneOf(resolutions))
    .option("--window-from <time>", "only data captured from here on", instant)
    .option("--window-to <time>", "only data captured before", instant)
    .option("--valid-from <time>", "in force from", instant)
    .option("--valid-to <time>", "in force until", instant)
    .option("--request-id <id>", "sending it again gives the same consent")
    .addHelpText(
      "after",
      "\nExample: wellapi consent create --as-patient pat_... --grantee org_... --direction read \\\n" +
        "           --category heart --purpose treatment --resolution raw",
    )
    .action(async (options: CreateOptions, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(ConsentService, await connect(settings));
      const { consent } = await client.createConsent({
        requestId: options.requestId ?? randomUUID(),
        consent: {
          grantee: options.grantee,
          direction: options.direction,
          categories: options.category.map((name) => ({ name })),
          purposes: options.purpose ?? [],
          resolution: options.resolution ?? Resolution.RAW,
          window: interval(options.windowFrom, options.windowTo),
          validity: interval(options.validFrom, options.validTo),
        },
      });
      if (consent) createOutput(settings.json).message(ConsentSchema, consent, () => consent.id);
    });
  addConnectionOptions(group.command("list"))
    .description("list the caller's consents; a grantee finds its patients' ids here")
    .option("--active", "only those in force", false)
    .addHelpText("after", "\nExample: wellapi consent list --as-patient pat_...")
    .action(async (options: { active: boolean }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(ConsentService, await connect(settings));
      const consents = await pages(async (pageToken) => {
        const page = await client.listConsents({ pageToken, activeOnly: options.active });
        return { items: page.consents, nextPageToken: page.nextPageToken };
      });
      createOutput(settings.json).rows(
        ConsentSchema,
        consents,
        ["consent", "patient", "grantee", "may", "categories", "purposes", "resolution", "status", "created"],
        row,
      );
    });
  addConnectionOptions(group.command("revoke <consent>"))
    .description("revoke; once this returns no read that starts later gets the data")
    .option("--etag <etag>", "only if the consent still is at this version")
    .addHelpText("after", "\nExample: wellapi consent revoke con_... --as-patient pat_...")
    .action(async (id: string, options: { etag?: string }, command: Command) => {
      const settings = settingsOf(command);
      const client = createClient(ConsentService, await connect(settings));
      const { consent } = await client.revokeConsent({ consent: id, etag: options.etag ?? "" });
      if (consent) {
        createOutput(settings.json).message(
          ConsentSchema,
          consent,
          () => `${consent.id} revoked at ${timeText(consent.revokeTime)}`,
        );
      }
    });
}
