import { createClient } from "@connectrpc/connect";
import { type Usage, UsageSchema, UsageService } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import type { Command } from "commander";
import { instant, interval } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, methodText, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const columns = ["day", "application", "rpc", "accesses", "refused", "items"];

interface Options {
  readonly from?: number;
  readonly to?: number;
  readonly application?: string;
}

/** How much an organization called. */
export function addUsage(program: Command, io: Io): void {
  addConnectionOptions(program.command("usage"), io)
    .description("what your organization called, by UTC day, application and RPC, counted from the log")
    .option("--from <time>", "only days that begin from then on; without it the last 30 days", instant)
    .option("--to <time>", "only days that begin before then", instant)
    .option("--application <id>", "only calls of this application")
    .addHelpText(
      "after",
      "\nExample: wellapi usage --from 2026-01-01T00:00:00Z --credentials credentials/clinic\n\nCounted are calls that leave an entry in the log; 'people' are members of the organization.",
    )
    .action(async ({ from, to, application }: Options, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(UsageService, await connect(settings));
      const usages: Usage[] = [];
      let pageToken = "";
      do {
        const page = await client.listUsage({ interval: interval(from, to), pageSize: 1_000, pageToken });
        usages.push(...page.usages);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      const shown = usages.filter((usage) => application === undefined || usage.application === application);
      createOutput(io, settings.json).rows(UsageSchema, shown, columns, row);
    });
}

function row({ startTime, application, method, accesses, refusals, items }: Usage): string[] {
  const reasons = refusals.map(({ reason, accesses: count }) => `${count} ${reason || "other reasons"}`);
  const [day] = timeText(startTime).split("T");
  return [
    day!,
    application || "people",
    methodText(method),
    String(accesses),
    reasons.join(", "),
    String(items),
  ];
}
