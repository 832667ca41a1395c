import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Command } from "commander";
import { count } from "../arguments.ts";
import { connect, connectAnonymously } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

/** A secret that was just made. To a file or a variable goes the secret alone. */
export function showOnce(
  io: Io,
  output: Output,
  made: { readonly credential: string | undefined; readonly operator?: string; readonly apiKey: string },
): void {
  const { credential, apiKey } = made;
  if (!io.stdout.isTTY && !output.json) output.note(`${credential}: keep its key`);
  const told = `${credential}\n${apiKey}\nKeep the key: it is shown to nobody else.`;
  output.object(made, () => (io.stdout.isTTY ? told : apiKey));
}

interface RotateOptions {
  overlapHours?: number;
  days?: number;
  requestId?: string;
}

export function addRotate(group: Command, io: Io): void {
  addConnectionOptions(group.command("rotate <credential>"), io)
    .description("replace an API key by a new one of the same terms, and print it; the old one lives on")
    .option("--overlap-hours <n>", "how long the old one lives on (default: 24; at most 168)", count)
    .option("--days <n>", "how long the new one is valid", count)
    .option(
      "--request-id <uuid>",
      "sending it again within a day gives the same key: keep it as you keep the key",
    )
    .addHelpText("after", "\nExample: wellapi credential rotate crd_... --overlap-hours 48")
    .action(async (credential: string, options: RotateOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const { overlapHours, days, requestId } = options;
      const rotated = await createClient(CredentialService, await connect(settings)).rotateApiKey({
        requestId: requestId ?? randomUUID(),
        credential,
        ...(overlapHours !== undefined && { overlap: { seconds: BigInt(overlapHours) * 3_600n } }),
        ...(days !== undefined && { lifetime: { seconds: BigInt(days) * 86_400n } }),
      });
      const output = createOutput(io, settings.json);
      if (!settings.json) output.note(`${credential} ends at ${timeText(rotated.replaced?.expireTime)}`);
      showOnce(io, output, { credential: rotated.credential?.id, apiKey: rotated.apiKey });
    });
}

export function addReport(group: Command, io: Io): void {
  addConnectionOptions(group.command("report-leak"), io)
    .description("revoke an API key that was found where it should not be; the key comes on stdin")
    .addHelpText("after", "\nExample: wellapi credential report-leak < found-key.txt")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const pieces: string[] = [];
      for await (const piece of io.stdin) pieces.push(String(piece));
      const apiKey = pieces.join("").trim();
      if (apiKey === "") throw new CliError("usage", "no key on stdin: report-leak < FILE");
      await createClient(CredentialService, connectAnonymously(settings)).reportLeakedApiKey({ apiKey });
      const told = "reported: if it was a key of this installation, it is revoked";
      createOutput(io, settings.json).object({ reported: true }, () => told);
    });
}
