import { createClient, watchRequests } from "@wellapi/client";
import {
  type LoggedRequest,
  LoggedRequestSchema,
  RequestLogService,
} from "@wellapi/gen/wellapi/audit/v1/request_log_service_pb";
import type { Command } from "commander";
import { count, instant, interval } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, methodText, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface FilterOptions {
  readonly application?: string;
  readonly rpc?: string;
  readonly reason?: string;
  readonly requestId?: string;
  readonly failed?: boolean;
}

interface ListOptions extends FilterOptions {
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}

const columns = ["time", "rpc", "status", "ms", "application", "request", "trace"];

/** An organization's requests, as the doors saw them. */
export function addLogs(program: Command, io: Io): void {
  const group = program
    .command("logs")
    .description(
      "your organization's requests of the last days: how each ended, how long it took; never a value",
    );
  addTail(group, io);
  addList(group, io);
}

function addTail(group: Command, io: Io): void {
  addFilter(addConnectionOptions(group.command("tail"), io))
    .description("print requests as they end, until Ctrl-C; connects again where it was cut")
    .addHelpText("after", "\nExample: wellapi logs tail --failed --credentials credentials/clinic")
    .action(async (options: FilterOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      const client = createClient(RequestLogService, await connect(settings));
      const answers = watchRequests(client, filterOf(options), {
        signal: io.interrupted(),
        onCut: ({ message }) => output.note(`${message}; connecting again`),
      });
      let waiting = false;
      for await (const { requests } of answers) {
        if (!waiting) output.note("waiting for requests; Ctrl-C ends it");
        waiting = true;
        for (const request of requests) output.message(LoggedRequestSchema, request, () => lineOf(request));
      }
    });
}

function addList(group: Command, io: Io): void {
  addFilter(addConnectionOptions(group.command("list"), io))
    .description("list requests, those that ended last first")
    .option("--from <time>", "only those that began from then on", instant)
    .option("--to <time>", "only those that began before then", instant)
    .option("--limit <count>", "most requests", count, 100)
    .addHelpText("after", "\nExample: wellapi logs list --reason NO_CONSENT --credentials credentials/clinic")
    .action(async (options: ListOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(RequestLogService, await connect(settings));
      const filter = { ...filterOf(options), interval: interval(options.from, options.to) };
      const requests: LoggedRequest[] = [];
      let pageToken = "";
      do {
        const pageSize = Math.min(500, options.limit - requests.length);
        const page = await client.listRequests({ filter, pageSize, pageToken });
        requests.push(...page.requests);
        pageToken = page.nextPageToken;
      } while (pageToken !== "" && requests.length < options.limit);
      createOutput(io, settings.json).rows(
        LoggedRequestSchema,
        requests.slice(0, options.limit),
        columns,
        row,
      );
    });
}

function addFilter(command: Command): Command {
  return command
    .option("--application <id>", "only of this application")
    .option("--rpc <name>", "only of this RPC, such as RecordsService/ReadSeries")
    .option("--reason <reason>", "only those that failed for this reason")
    .option("--request-id <id>", "only the one with this x-request-id")
    .option("--failed", "only those that did not succeed");
}

function filterOf({
  application = "",
  rpc = "",
  reason = "",
  requestId = "",
  failed = false,
}: FilterOptions) {
  return { application, method: rpc, reason, requestId, failed };
}

function row(request: LoggedRequest): string[] {
  const { startTime, method, status, reason, durationMs, application, requestId, traceId, omitted } = request;
  return [
    timeText(startTime),
    methodText(method),
    `${reason === "" ? status : `${status} ${reason}`}${omitted > 0n ? ` (+${omitted} not kept)` : ""}`,
    durationMs.toFixed(1),
    application || "people",
    requestId,
    traceId,
  ];
}

function lineOf(request: LoggedRequest): string {
  return row(request).filter(Boolean).join("  ");
}
