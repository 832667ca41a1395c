import type { Command } from "commander";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";

interface Options {
  masterKey?: string;
  keys?: string;
  json: boolean;
}

function addFiles(command: Command): Command {
  return command
    .option("--master-key <file>", "its file (default: keys/master.key in WELLAPI_DATA_DIR)")
    .option("--keys <file>", "the wrapped keys of patients (default: keys/patient-keys.db there)")
    .option("--json", "print JSON", false);
}

export function addMasterKey(program: Command, io: Io): void {
  const group = program
    .command("master-key")
    .description("the key that wraps all others; the exchange is stopped for it");
  addFiles(group.command("rotate"))
    .description("make a new one and wrap every patient's key by it; run it again where it was cut short")
    .addHelpText("after", "\nExample: WELLAPI_DATA_DIR=./data wellapi master-key rotate")
    .action(async ({ masterKey, keys, json }: Options) => {
      const { rotateMasterKey } = await import("@wellapi/host");
      const rotated = await rotateMasterKey({ env: io.env, masterKey, keys });
      createOutput(io, json).object(rotated, () =>
        [
          `master key ${rotated.number} wraps now; ${rotated.rewrapped} keys of patients were wrapped anew`,
          `${rotated.masterKey} holds it and the one before: copy it to where you keep it, and to whoever reads it`,
          "Start: identity and audit wrap what is theirs. Retire the one before when no backup needs it any more.",
        ].join("\n"),
      );
    });
  addFiles(group.command("retire"))
    .description("take the keys before out of the file; backups that they wrapped do not open any more")
    .addHelpText("after", "\nExample: WELLAPI_DATA_DIR=./data wellapi master-key retire")
    .action(async ({ masterKey, keys, json }: Options) => {
      const { retireMasterKey } = await import("@wellapi/host");
      const retired = await retireMasterKey({ env: io.env, masterKey, keys });
      createOutput(io, json).object(retired, () =>
        retired.numbers.length === 0
          ? "there was nothing to retire"
          : `master key ${retired.numbers.join(", ")} is retired; ${retired.copy} still has it: delete it once the exchange has started`,
      );
    });
}
