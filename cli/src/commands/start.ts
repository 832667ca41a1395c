import type { Command } from "commander";
import type { Io } from "../io.ts";

export function addStart(program: Command, io: Io): void {
  program
    .command("start")
    .description("run the whole exchange in this process")
    .option("--json", "print one JSON document once calls are accepted", false)
    .addHelpText(
      "after",
      `
Example: WELLAPI_DATA_DIR=./data WELLAPI_HTTP_PORT=8080 wellapi start

Settings (environment): WELLAPI_DATA_DIR (./data), WELLAPI_MASTER_KEY_FILE (in ~/.config/wellapi),
WELLAPI_GRPC_PORT (7443), WELLAPI_HTTP_PORT (7080), WELLAPI_HOST (127.0.0.1), WELLAPI_PROFILE (sandbox),
WELLAPI_LOG_LEVEL (info). Port 0 takes a free one.`,
    )
    .action(async (options: { json: boolean }) => {
      const { run } = await import("@wellapi/host");
      io.exitCode = await run({ env: io.env, json: options.json });
    });
}
