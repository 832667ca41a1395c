import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Command } from "commander";
import { count } from "../arguments.ts";
import { certifyInto } from "../certificate-folder.ts";
import { codeFrom } from "../code-file.ts";
import { connect, connectAnonymously, connectDoor } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

const lifetimeOf = (days: number | undefined) =>
  days === undefined ? {} : { lifetime: { seconds: BigInt(days) * 86_400n } };

export function addCode(group: Command, io: Io): void {
  addConnectionOptions(group.command("code"), io)
    .description("make a one-time code with which a machine enrolls, and print it")
    .requiredOption("--application <id>", "the application")
    .option("--minutes <n>", "how long the code works (default: 60; at most 10080)", count)
    .addHelpText("after", "\nExample: wellapi credential code --application app_... > code.txt")
    .action(async (options: { application: string; minutes?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const { application, minutes } = options;
      const made = await createClient(CredentialService, await connect(settings)).createEnrollmentCode({
        requestId: randomUUID(),
        application,
        ...(minutes !== undefined && { lifetime: { seconds: BigInt(minutes) * 60n } }),
      });
      const output = createOutput(io, settings.json);
      const expireTime = timeText(made.expireTime);
      if (!settings.json) output.note(`works once, until ${expireTime}`);
      output.object({ code: made.code, expireTime }, () => made.code);
    });
}

export function addEnroll(group: Command, io: Io): void {
  addConnectionOptions(group.command("enroll"), io)
    .description("make a key in a folder and have it certified by a one-time code; needs no other credential")
    .requiredOption("--out <folder>", "for key.pem, cert.pem and ca.pem")
    .option("--code-file <file>", "file with the code (or set WELLAPI_ENROLLMENT_CODE)")
    .option("--days <n>", "how long the certificate is valid (default: 30; at most 90)", count)
    .addHelpText("after", "\nExample: wellapi credential enroll --code-file code.txt --out ./pulse")
    .action(async (options: { out: string; codeFile?: string; days?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const code = codeFrom(options.codeFile, "WELLAPI_ENROLLMENT_CODE", io);
      const client = createClient(CredentialService, connectAnonymously(settings));
      const credential = await certifyInto(options.out, (asked) =>
        client.enrollCertificate({ ...asked, code, ...lifetimeOf(options.days) }),
      );
      createOutput(io, settings.json).object(
        { credential, folder: options.out },
        () => `${credential}\nkey.pem, cert.pem and ca.pem are in ${options.out}`,
      );
    });
}

export function addRenew(group: Command, io: Io): void {
  addConnectionOptions(group.command("renew"), io)
    .description("replace the certificate of a folder by its successor, with a new key")
    .option("--days <n>", "how long the new one is valid (default: 30; at most 90)", count)
    .addHelpText(
      "after",
      "\nExample: wellapi credential renew --credentials ./pulse\n" +
        "         Run it from a timer, well before the end. What runs takes the new files at its next start.",
    )
    .action(async (options: { days?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, connectDoor(settings));
      const folder = settings.credentials ?? "";
      const credential = await certifyInto(folder, (asked) =>
        client.renewCertificate({ ...asked, ...lifetimeOf(options.days) }),
      );
      createOutput(io, settings.json).object(
        { credential, folder },
        () => `${credential}\nkey.pem, cert.pem and ca.pem are in ${folder}`,
      );
    });
}
