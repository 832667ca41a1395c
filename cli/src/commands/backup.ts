import type { Command } from "commander";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";

export function addBackup(program: Command, io: Io): void {
  program
    .command("backup <folder>")
    .description("back up an exchange of `wellapi start`, running or stopped, into a new folder")
    .option("--keys", "the wrapped keys of patients instead of the data; never keep both in one place", false)
    .option("--json", "print the manifest as JSON", false)
    .addHelpText(
      "after",
      `
Example: WELLAPI_DATA_DIR=./data wellapi backup /backups/2026-01-31

Neither holds the master key or the journal: keep the one apart from everything, and leave the other where it is.`,
    )
    .action(async (folder: string, options: { keys: boolean; json: boolean }) => {
      const { runBackup } = await import("@wellapi/host");
      const content = options.keys ? "keys" : "data";
      const manifest = await runBackup({ env: io.env, folder, content });
      createOutput(io, options.json).object(manifest, () => {
        const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
        return `backed up ${content} of ${manifest.endTime}: ${manifest.files.length} files, ${bytes} bytes, in ${folder}`;
      });
    });
}

export function addRestore(program: Command, io: Io): void {
  program
    .command("restore <backup>")
    .description("put a backup into WELLAPI_DATA_DIR, which must be empty (or, for keys, have none)")
    .option("--json", "print what was restored as JSON", false)
    .addHelpText("after", "\nExample: WELLAPI_DATA_DIR=./data wellapi restore /backups/2026-01-31")
    .action(async (folder: string, options: { json: boolean }) => {
      const { runRestore } = await import("@wellapi/host");
      const { manifest, dataDir, journalDir, masterKey } = await runRestore({ env: io.env, folder });
      createOutput(io, options.json).object({ ...manifest, dataDir }, () =>
        [
          `restored ${manifest.content} of ${manifest.endTime} into ${dataDir}`,
          ...(manifest.content === "data"
            ? [
                "Before you start it:",
                `  ${masterKey}: the master key. Where it is not there, from where you keep it, mode 0600`,
                `  ${dataDir}/keys/patient-keys.db: the newest there is, or \`wellapi restore\` of the newest backup of keys`,
                `  ${journalDir}: the journal as it is today, never one of a backup`,
                "The start then replays what was revoked and erased since, and says so.",
              ]
            : []),
        ].join("\n"),
      );
    });
}
