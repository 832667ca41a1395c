import type { Command } from "commander";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";

interface Options {
  readonly data?: string;
  readonly json: boolean;
}

export function addCheck(program: Command, io: Io): void {
  program
    .command("check")
    .description("read everything that a stopped exchange of `wellapi start` holds, and name what is damaged")
    .option("--data <folder>", "its data folder (default: WELLAPI_DATA_DIR)")
    .option("--json", "print findings, one a line, and the report as JSON", false)
    .addHelpText(
      "after",
      `
Example: WELLAPI_DATA_DIR=./data wellapi check

Exit code 0 where all is whole, 9 where something is damaged. Names opaque ids, times and counts, never a value.`,
    )
    .action(async ({ data, json }: Options) => {
      const { runCheck } = await import("@wellapi/host");
      const { line, note } = createOutput(io, json);
      const report = await runCheck({
        env: io.env,
        dataDir: data,
        onFinding(finding) {
          if (json) return line(JSON.stringify(finding));
          const { file, collection, document, what, means, remedy } = finding;
          const where = [file, collection, document?.join(" ")].filter(Boolean).join(": ");
          line(`✗ ${where}: ${what}\n    means: ${means}\n    to do: ${remedy}`);
        },
        onProgress(file, documents) {
          note(`${file}: ${documents} documents`);
        },
      });
      const { documents, findings, files } = report;
      if (json) line(JSON.stringify(report));
      else {
        const damaged = files.filter((one) => one.findings > 0).map(({ file }) => file);
        line(
          findings === 0
            ? `whole: ${documents} documents in ${files.length} files`
            : `damaged: ${findings} findings, in ${damaged.join(", ")}; ${documents} documents were read`,
        );
      }
      if (findings > 0) throw new CliError("damage", "something is damaged: see above");
    });
}
