import { toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { mergeSeries, samplesOf } from "@wellapi/client";
import {
  type MergedStretch,
  MergedStretchSchema,
  MergeNothing,
  MergeReason,
  MergeRule,
  type Source,
} from "@wellapi/gen/wellapi/records/v1/records_pb";
import { RecordsService } from "@wellapi/gen/wellapi/records/v1/records_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { codingOf, count, instant, interval, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import { disputedNotes } from "../disputed.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output } from "../output.ts";
import { addQueryOptions, purposeOf } from "../query-options.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

interface MergeOptions {
  readonly patient: string;
  readonly code: string;
  readonly rule: MergeRule;
  readonly from?: number;
  readonly to?: number;
  readonly purpose?: Purpose;
  readonly unit?: string;
  readonly digits?: number;
}

const rules = { "device-priority-by-minute": MergeRule.DEVICE_PRIORITY_BY_MINUTE };

const reasons: Readonly<Record<MergeReason, string>> = {
  [MergeReason.UNSPECIFIED]: "for a reason that this program does not know",
  [MergeReason.ONLY_SOURCE]: "the only source",
  [MergeReason.FIRST_IN_ORDER]: "first in the patient's order",
  [MergeReason.RANKED]: "the patient's order names it, and not the others",
  [MergeReason.TIE_BREAK]: "the patient's order does not decide: by the rule's tie break",
};

const nothings: Readonly<Record<MergeNothing, string>> = {
  [MergeNothing.UNSPECIFIED]: "none",
  [MergeNothing.NO_SAMPLES]: "none",
  [MergeNothing.ONLY_COARSE]:
    "none: samples of a quarter of an hour and longer are never merged; wellapi read has them",
  [MergeNothing.CODED]: "none: coded values are never merged; wellapi read has them",
};

export function addMerge(series: Command, io: Io): void {
  addQueryOptions(addConnectionOptions(series.command("merge"), io))
    .description(
      "one line of several devices: each minute from the first in the patient's order, as CSV lines",
    )
    .requiredOption("--code <loinc>", "LOINC code, or <system>|<code>")
    .addOption(wordOption("--rule <word>", "which one", rules).makeOptionMandatory())
    .option("--from <time>", "first minute inside", instant)
    .option("--to <time>", "first minute outside", instant)
    .option("--unit <ucum>", "convert to this unit")
    .option("--digits <n>", "digits after the point of converted values", count)
    .addHelpText(
      "after",
      "\nExample: wellapi series merge --credentials ./clinic --patient pat_... --code 8867-4 \\\n" +
        "           --rule device-priority-by-minute --from 2016-04-12T00:00:00Z --to 2016-04-13T00:00:00Z\n" +
        "         A line with # says of the samples below it where they come from, and why.",
    )
    .action(async (options: MergeOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      const { patient, code, rule, from, to, unit = "", digits } = options;
      const request = {
        patient,
        code: codingOf(code),
        interval: interval(from, to),
        purpose: purposeOf(options, settings),
        rule,
        unit,
        ...(digits === undefined ? {} : { digits }),
      };
      const onNothing = (nothing: MergeNothing) => {
        if (output.json) output.note(nothings[nothing]);
        else output.line(nothings[nothing]);
      };
      const client = createClient(RecordsService, await connect(settings));
      const noteDisputed = disputedNotes(output);
      for await (const stretch of mergeSeries(client, request, { onNothing })) {
        print(output, stretch);
        noteDisputed(stretch.source);
      }
    });
}

function print({ json, line }: Output, stretch: MergedStretch): void {
  if (json) {
    line(JSON.stringify(toJson(MergedStretchSchema, stretch)));
    return;
  }
  const { source, reason, passedOver } = stretch;
  const others = passedOver.map(({ source: other, minutes }) => `${named(other)} (${minutes} min)`);
  const beside = others.length === 0 ? "" : `; not ${others.join(", ")}`;
  line(`# ${named(source)}: ${reasons[reason] ?? reasons[MergeReason.UNSPECIFIED]}${beside}`);
  for (const { timeMs, value, unit } of samplesOf(stretch)) {
    line(`${new Date(timeMs).toISOString()},${value},${unit}`);
  }
}

function named(source: Source | undefined): string {
  const device = source?.deviceId || "no device";
  return `${source?.organization ?? ""} ${source?.deviceModel ? `${source.deviceModel}, ` : ""}${device}`;
}
