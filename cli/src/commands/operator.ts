import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import { type Credential, CredentialSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import type { Command } from "commander";
import { count } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { showOnce } from "./key-rotation.ts";

export function addOperator(program: Command, io: Io): void {
  const group = program.command("operator").description("operators' keys, one for each person or program");
  addCreate(group, io);
  addList(group, io);
  addRevoke(group, io);
}

interface CreateOptions {
  days?: number;
  requestId?: string;
  network?: string[];
}

function addCreate(group: Command, io: Io): void {
  addConnectionOptions(group.command("create <name>"), io)
    .description("make an operator's key under a name, and print it")
    .option("--days <n>", "how long it is valid (default: 366, the longest)", count)
    .option("--network <cidr...>", "whence it may be used; without any, from everywhere")
    .option(
      "--request-id <uuid>",
      "sending it again within a day gives the same key: keep it as you keep the key",
    )
    .addHelpText("after", '\nExample: wellapi operator create "Night shift"')
    .action(async (displayName: string, options: CreateOptions, command: Command) => {
      const settings = settingsOf(command, io);
      const made = await createClient(CredentialService, await connect(settings)).createOperatorKey({
        requestId: options.requestId ?? randomUUID(),
        displayName,
        networks: options.network ?? [],
        ...(options.days ? { lifetime: { seconds: BigInt(options.days) * 86_400n } } : {}),
      });
      const { id, operator } = made.credential!;
      showOnce(io, createOutput(io, settings.json), { credential: id, operator, apiKey: made.apiKey });
    });
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list operators' keys, newest first")
    .addHelpText("after", "\nExample: wellapi operator list")
    .action(async (_options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, await connect(settings));
      const keys = await Array.fromAsync(
        paginate(
          (pageToken) => client.listOperatorKeys({ pageToken }),
          (page) => page.credentials,
        ),
      );
      const columns = ["credential", "operator", "name", "hint", "expires", "revoked"];
      createOutput(io, settings.json).rows(CredentialSchema, keys, columns, rowOf);
    });
}

function addRevoke(group: Command, io: Io): void {
  addConnectionOptions(group.command("revoke <credential>"), io)
    .description("revoke an operator's key; the last one in force stays")
    .addHelpText("after", "\nExample: wellapi operator revoke crd_...")
    .action(async (credential: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, await connect(settings));
      const { credential: revoked } = await client.revokeCredential({ credential });
      if (revoked) {
        createOutput(io, settings.json).message(
          CredentialSchema,
          revoked,
          () => `${credential} revoked at ${timeText(revoked.revokeTime)}`,
        );
      }
    });
}

function rowOf({ id, operator, displayName, hint, expireTime, revokeTime }: Credential): string[] {
  return [id, operator, displayName, hint, timeText(expireTime), timeText(revokeTime)];
}
