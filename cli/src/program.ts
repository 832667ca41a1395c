import { version } from "@wellapi/runtime";
import { Command } from "commander";
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
import { exitCodeHelp } from "./failure.ts";

/** The `wellapi` command. */
export function createProgram(): Command {
  const program = new Command("wellapi")
    .description("The exchange for patient wellness data under the patient's own consent")
    .version(version)
    .showHelpAfterError("(--help shows an example)")
    .addHelpText("after", exitCodeHelp);
  addStart(program);
  addStartMesh(program);
  addServe(program);
  addBackup(program);
  addRestore(program);
  addCheck(program);
  addMasterKey(program);
  addOrganization(program);
  addApplication(program);
  addPatient(program);
  addCredential(program);
  addToken(program);
  addSigningKey(program);
  addConsent(program);
  addCodes(program);
  addCategories(program);
  addIngest(program);
  addRead(program);
  addWatch(program);
  addSeries(program);
  addAggregate(program);
  addRetract(program);
  addErase(program);
  addReceipt(program);
  addAudit(program);
  return program;
}
