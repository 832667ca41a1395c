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
    .option(
      "--master-key <file>",
      "its file (default: that of an exchange that is started with the same settings)",
    )
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
          ...(rotated.masterKey
            ? [
                `${rotated.masterKey} holds it and the one before: copy it to where you keep it, and to whoever reads it`,
              ]
            : []),
          "Start: identity and audit wrap what is theirs. Retire the one before when no backup needs it any more.",
        ].join("\n"),
      );
    });
  addMove(group, io);
  addFiles(group.command("retire"))
    .description("take the keys before out of the file; backups that they wrapped do not open any more")
    .addHelpText("after", "\nExample: WELLAPI_DATA_DIR=./data wellapi master-key retire")
    .action(async ({ masterKey, keys, json }: Options) => {
      const { retireMasterKey } = await import("@wellapi/host");
      const retired = await retireMasterKey({ env: io.env, masterKey, keys });
      createOutput(io, json).object(retired, () =>
        retired.numbers.length === 0
          ? "there was nothing to retire"
          : `master key ${retired.numbers.join(", ")} is retired${retired.copy ? `; ${retired.copy} still has it: delete it once the exchange has started` : ""}`,
      );
    });
}

interface MoveOptions {
  readonly to?: string;
  readonly seal?: boolean;
  readonly sealWith?: string;
  readonly json: boolean;
}

function addMove(group: Command, io: Io): void {
  group
    .command("move")
    .description("move its file, by default out of the data folder; run it again where it was cut short")
    .option("--to <file>", "where to (default: WELLAPI_MASTER_KEY_FILE, or your configuration folder)")
    .option("--seal", "seal the file with a new passphrase, which is asked for")
    .option("--seal-with <file>", "seal the file with the passphrase in this file")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      `
Example: WELLAPI_DATA_DIR=./data wellapi master-key move

A file that is sealed is opened with the passphrase in WELLAPI_MASTER_PASSPHRASE_FILE, or asks for it.`,
    )
    .action(async ({ to, seal, sealWith, json }: MoveOptions) => {
      const { moveMasterKey } = await import("@wellapi/host");
      const moved = await moveMasterKey({
        env: io.env,
        to,
        seal: seal || sealWith !== undefined ? { file: sealWith } : undefined,
      });
      createOutput(io, json).object(moved, () =>
        [
          `the master key is ${moved.to}${moved.sealed ? ", sealed" : ""}; no copy is left at ${moved.from}`,
          ...(moved.setting ? [`start with ${moved.setting}`] : []),
          "Backups do not hold it: keep one copy apart from everything. Copies of the data folder from before still do.",
        ].join("\n"),
      );
    });
}
