import { version } from "@wellapi/runtime/version";
import { Command, CommanderError } from "commander";
import { addCompletion } from "./completion.ts";
import { describeFailure, exitCodeHelp, exitCodes } from "./failure.ts";
import type { Io } from "./io.ts";
import { printable } from "./output.ts";

type Add = (program: Command, io: Io) => void;

/** A top-level command, and its module, which is loaded when it runs: most of a short call is loading. */
interface Listed {
  readonly name: string;
  readonly load: () => Promise<Add>;
}

/** In the order of the help. */
const commands: readonly Listed[] = [
  { name: "start", load: async () => (await import("./commands/start.ts")).addStart },
  { name: "start-mesh", load: async () => (await import("./commands/serve.ts")).addStartMesh },
  { name: "serve", load: async () => (await import("./commands/serve.ts")).addServe },
  { name: "backup", load: async () => (await import("./commands/backup.ts")).addBackup },
  { name: "restore", load: async () => (await import("./commands/backup.ts")).addRestore },
  { name: "check", load: async () => (await import("./commands/check.ts")).addCheck },
  { name: "master-key", load: async () => (await import("./commands/master-key.ts")).addMasterKey },
  { name: "login", load: async () => (await import("./commands/login.ts")).addLogin },
  { name: "logout", load: async () => (await import("./commands/login.ts")).addLogout },
  { name: "organization", load: async () => (await import("./commands/organization.ts")).addOrganization },
  { name: "application", load: async () => (await import("./commands/organization.ts")).addApplication },
  { name: "member", load: async () => (await import("./commands/member.ts")).addMember },
  { name: "limits", load: async () => (await import("./commands/limits.ts")).addLimits },
  { name: "usage", load: async () => (await import("./commands/usage.ts")).addUsage },
  { name: "logs", load: async () => (await import("./commands/logs.ts")).addLogs },
  { name: "explore", load: async () => (await import("./commands/explore.ts")).addExplore },
  { name: "policy", load: async () => (await import("./commands/policy.ts")).addPolicy },
  { name: "patient", load: async () => (await import("./commands/patient.ts")).addPatient },
  { name: "carer", load: async () => (await import("./commands/carer.ts")).addCarer },
  { name: "emergency", load: async () => (await import("./commands/emergency.ts")).addEmergency },
  { name: "guardian", load: async () => (await import("./commands/guardian.ts")).addGuardian },
  { name: "guardianship", load: async () => (await import("./commands/guardianship.ts")).addGuardianship },
  {
    name: "representative",
    load: async () => (await import("./commands/representative.ts")).addRepresentative,
  },
  { name: "death", load: async () => (await import("./commands/death.ts")).addDeath },
  { name: "invitation", load: async () => (await import("./commands/invitation.ts")).addInvitation },
  { name: "account", load: async () => (await import("./commands/account.ts")).addAccount },
  { name: "session", load: async () => (await import("./commands/account.ts")).addSession },
  { name: "app", load: async () => (await import("./commands/app.ts")).addApp },
  { name: "credential", load: async () => (await import("./commands/credential.ts")).addCredential },
  { name: "token", load: async () => (await import("./commands/credential.ts")).addToken },
  { name: "signing-key", load: async () => (await import("./commands/credential.ts")).addSigningKey },
  { name: "operator", load: async () => (await import("./commands/operator.ts")).addOperator },
  { name: "consent", load: async () => (await import("./commands/consent.ts")).addConsent },
  { name: "codes", load: async () => (await import("./commands/terminology.ts")).addCodes },
  { name: "categories", load: async () => (await import("./commands/terminology.ts")).addCategories },
  {
    name: "terminology",
    load: async () => (await import("./commands/terminology-release.ts")).addTerminology,
  },
  { name: "sandbox", load: async () => (await import("./commands/sandbox.ts")).addSandbox },
  { name: "ingest", load: async () => (await import("./commands/ingest.ts")).addIngest },
  { name: "read", load: async () => (await import("./commands/read.ts")).addRead },
  { name: "watch", load: async () => (await import("./commands/read.ts")).addWatch },
  { name: "listen", load: async () => (await import("./commands/listen.ts")).addListen },
  { name: "webhook", load: async () => (await import("./commands/webhook.ts")).addWebhook },
  { name: "series", load: async () => (await import("./commands/read.ts")).addSeries },
  { name: "device", load: async () => (await import("./commands/device.ts")).addDevice },
  { name: "aggregate", load: async () => (await import("./commands/read.ts")).addAggregate },
  { name: "clinical", load: async () => (await import("./commands/clinical.ts")).addClinical },
  { name: "download", load: async () => (await import("./commands/download.ts")).addDownload },
  { name: "import", load: async () => (await import("./commands/import.ts")).addImport },
  { name: "retract", load: async () => (await import("./commands/retract.ts")).addRetract },
  { name: "erase", load: async () => (await import("./commands/erase.ts")).addErase },
  { name: "receipt", load: async () => (await import("./commands/receipt.ts")).addReceipt },
  { name: "disclosures", load: async () => (await import("./commands/disclosures.ts")).addDisclosures },
  { name: "obligations", load: async () => (await import("./commands/obligations.ts")).addObligations },
  { name: "rights", load: async () => (await import("./commands/rights.ts")).addRights },
  { name: "audit", load: async () => (await import("./commands/audit.ts")).addAudit },
  { name: "completion", load: async () => addCompletion },
];

/** Runs a command line; resolves with the exit code. All output goes to `io`. */
export async function run(io: Io, parameters: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(io, parameters[0]);
    await program.parseAsync([...parameters], { from: "user" });
    return io.exitCode;
  } catch (error) {
    // Help, the version, or an invalid command line: commander has printed the text, and gives 1 for the last.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    const { exitCode, lines, json } = describeFailure(error);
    const text = parameters.includes("--json") ? JSON.stringify(json) : lines.join("\n");
    io.stderr.write(`${printable(text)}\n`);
    return exitCode;
  }
}

/** The `wellapi` command: with the one command that a command line names first, else with all. */
export async function createProgram(io: Io, first: string | undefined): Promise<Command> {
  const width = ({ isTTY, columns }: Io["stdout"]) => (isTTY && columns ? columns : 80);
  const program = new Command("wellapi")
    // Set before any command is added: each command inherits both.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(printable(text)),
      writeErr: (text) => void io.stderr.write(printable(text)),
      getOutHelpWidth: () => width(io.stdout),
      getErrHelpWidth: () => width(io.stderr),
    })
    .description("The exchange for patient wellness data under the patient's own consent")
    .version(version)
    .showHelpAfterError("(--help shows an example)")
    .addHelpText("after", exitCodeHelp);
  // The completion describes all commands, too.
  const named = commands.filter(({ name }) => name === first && name !== "completion");
  for (const { load } of named.length > 0 ? named : commands) (await load())(program, io);
  return program;
}
