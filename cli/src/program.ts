import { version } from "@wellapi/runtime";
import { Command, CommanderError } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addBackup, addRestore } from "./commands/backup.ts";
import { addCheck } from "./commands/check.ts";
import { addConsent } from "./commands/consent.ts";
import { addCredential, addSigningKey, addToken } from "./commands/credential.ts";
import { addErase } from "./commands/erase.ts";
import { addIngest } from "./commands/ingest.ts";
import { addMasterKey } from "./commands/master-key.ts";
import { addApplication, addOrganization } from "./commands/organization.ts";
import { addPatient } from "./commands/patient.ts";
import { addAggregate, addRead, addSeries, addWatch } from "./commands/read.ts";
import { addReceipt } from "./commands/receipt.ts";
import { addRetract } from "./commands/retract.ts";
import { addServe, addStartMesh } from "./commands/serve.ts";
import { addStart } from "./commands/start.ts";
import { addCategories, addCodes } from "./commands/terminology.ts";
import { describeFailure, exitCodeHelp } from "./failure.ts";
import type { Io } from "./io.ts";

/** Runs a command line; resolves with the exit code. All output goes to `io`. */
export async function run(io: Io, parameters: readonly string[]): Promise<number> {
  try {
    await createProgram(io).parseAsync([...parameters], { from: "user" });
    return io.exitCode;
  } catch (error) {
    // Help, the version, or an invalid command line: commander has printed the text.
    if (error instanceof CommanderError) return error.exitCode;
    const { exitCode, lines, json } = describeFailure(error);
    io.stderr.write(parameters.includes("--json") ? `${JSON.stringify(json)}\n` : `${lines.join("\n")}\n`);
    return exitCode;
  }
}

/** The `wellapi` command. */
function createProgram(io: Io): Command {
  const width = ({ isTTY, columns }: Io["stdout"]) => (isTTY && columns ? columns : 80);
  const program = new Command("wellapi")
    // Set before any command is added: each command inherits both.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => width(io.stdout),
      getErrHelpWidth: () => width(io.stderr),
    })
    .description("The exchange for patient wellness data under the patient's own consent")
    .version(version)
    .showHelpAfterError("(--help shows an example)")
    .addHelpText("after", exitCodeHelp);
  addStart(program, io);
  addStartMesh(program, io);
  addServe(program, io);
  addBackup(program, io);
  addRestore(program, io);
  addCheck(program, io);
  addMasterKey(program, io);
  addOrganization(program, io);
  addApplication(program, io);
  addPatient(program, io);
  addCredential(program, io);
  addToken(program, io);
  addSigningKey(program, io);
  addConsent(program, io);
  addCodes(program, io);
  addCategories(program, io);
  addIngest(program, io);
  addRead(program, io);
  addWatch(program, io);
  addSeries(program, io);
  addAggregate(program, io);
  addRetract(program, io);
  addErase(program, io);
  addReceipt(program, io);
  addAudit(program, io);
  return program;
}
