import { createClient } from "@connectrpc/connect";
import {
  type DisclosedCategory,
  type Disclosure,
  DisclosureSchema,
} from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { instant, interval, nameOf, purposes, resolutions } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, table, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const columns = [
  "organization",
  "category",
  "reads",
  "values",
  "finest",
  "purposes",
  "consents",
  "first",
  "last",
  "newest access",
];

type Figures = NonNullable<Disclosure["total"]>;

/** What organizations read of a patient. */
export function addDisclosures(program: Command, io: Io): void {
  addConnectionOptions(program.command("disclosures"), io)
    .description("what organizations read of the patient in a period, added up from the log (as the patient)")
    .option("--from <time>", "only reads from then on", instant)
    .option("--to <time>", "only reads before then", instant)
    .option("--organization <id>", "only those of this organization")
    .addHelpText(
      "after",
      "\nExample: wellapi disclosures --from 2026-01-01T00:00:00Z --as-patient pat_...\n\n'unknown' and '+' stand for what the log's entries do not say. Each access can be proven: wellapi audit verify.",
    )
    .action(
      async (
        { from, to, organization = "" }: { from?: number; to?: number; organization?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = createClient(AuditService, await connect(settings));
        const asked = { interval: interval(from, to), organization };
        const answer = await client.aggregateDisclosures(asked);
        const { disclosures, interval: covered, unreadableEntries } = answer;
        const output = createOutput(io, settings.json);
        if (settings.json || disclosures.length === 0)
          output.rows(DisclosureSchema, disclosures, [], () => []);
        else output.line(table(columns, disclosures.flatMap(rows)));
        const since = covered?.startTime;
        if (timeText(since) !== timeText(asked.interval?.startTime)) {
          output.note(
            `only what was read since ${timeText(since)}: --to ${timeText(since)} shows what was before`,
          );
        }
        if (unreadableEntries > 0) output.note(`${unreadableEntries} entries cannot be read any more`);
      },
    );
}

function rows({ organization, total, categories }: Disclosure): string[][] {
  const parts = categories.map(({ category, figures }: DisclosedCategory) =>
    row(organization, category || "(no category)", figures),
  );
  return parts.length === 1 ? parts : [row(organization, "(all)", total), ...parts];
}

function row(organization: string, category: string, figures: Figures | undefined): string[] {
  if (figures === undefined) return [organization, category];
  const { reads, consents, emergencyAccesses, firstTime, lastTime, accesses } = figures;
  return [
    organization,
    category,
    String(reads),
    valuesText(figures),
    figures.finestResolution === Resolution.UNSPECIFIED
      ? "unknown"
      : nameOf(resolutions, figures.finestResolution),
    figures.purposes
      .filter((one) => one !== Purpose.UNSPECIFIED)
      .map((one) => nameOf(purposes, one))
      .join(" "),
    [...consents.map(({ consent, version }) => `${consent} ${version}`), ...emergencyAccesses].join("\n"),
    timeText(firstTime),
    timeText(lastTime),
    accesses[0] ?? "",
  ];
}

/** `+`: and what some entries do not say. */
function valuesText({ reads, values, unknownAmountReads }: Figures): string {
  if (unknownAmountReads === 0n) return String(values);
  return unknownAmountReads === reads ? "unknown" : `${values}+`;
}
