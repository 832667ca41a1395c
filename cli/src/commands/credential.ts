import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import {
  type Credential,
  Credential_Kind,
  CredentialSchema,
} from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import {
  RotateSigningKeyResponseSchema,
  TokenService,
} from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import type { Command } from "commander";
import { count } from "../arguments.ts";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";
import { addCode, addEnroll, addRenew } from "./enrollment.ts";
import { addReport, addRotate, showOnce } from "./key-rotation.ts";
import { addTokenList, addTokenRevoke } from "./patient-token.ts";

interface IssueOptions {
  application: string;
  out?: string;
  apiKey?: boolean;
  days?: number;
  requestId?: string;
  name?: string;
  scope?: string[];
  network?: string[];
}

export function addCredential(program: Command, io: Io): void {
  const group = program.command("credential").description("what an application proves itself with");
  addIssue(group, io);
  addRotate(group, io);
  addReport(group, io);
  addCode(group, io);
  addEnroll(group, io);
  addRenew(group, io);
  addGet(group, io);
  addRevoke(group, io);
  addList(group, io);
}

function addIssue(group: Command, io: Io): void {
  addConnectionOptions(group.command("issue"), io)
    .description("issue a client certificate (mTLS) into a folder, or an API key")
    .requiredOption("--application <id>", "the application")
    .option("--out <folder>", "make a key here and have it certified: key.pem, cert.pem, ca.pem")
    .option("--api-key", "issue an API key instead and print it; where stdout is no terminal, the key alone")
    .option(
      "--request-id <uuid>",
      "sending it again within a day gives the same API key: keep it as you keep the key",
    )
    .option("--days <n>", "how long it is valid", count)
    .option("--name <text>", "with --api-key: what it is called")
    .option("--scope <scope...>", "with --api-key: what it may do; without any, it is not limited by scopes")
    .option("--network <cidr...>", "with --api-key: whence it may be used; without any, from everywhere")
    .addHelpText(
      "after",
      "\nExample: wellapi credential issue --application app_... --out ./pulse\n" +
        "         export WELLAPI_API_KEY=$(wellapi credential issue --application app_... --api-key)",
    )
    .action(async (options: IssueOptions, command: Command) => {
      const settings = settingsOf(command, io);
      if (Boolean(options.out) === Boolean(options.apiKey)) {
        throw new CliError("usage", "say either --out FOLDER (certificate) or --api-key");
      }
      if (options.requestId !== undefined && !options.apiKey) {
        throw new CliError(
          "usage",
          "--request-id is for --api-key: a certificate is issued anew, for a new key",
        );
      }
      if (!options.apiKey && (options.name ?? options.scope ?? options.network) !== undefined) {
        throw new CliError("usage", "--name, --scope and --network are for --api-key");
      }
      const connection = await connect(settings);
      const output = createOutput(io, settings.json);
      if (options.out) {
        mkdirSync(options.out, { recursive: true, mode: 0o700 });
        const { issueCertificate } = await import("@wellapi/client/enrolment");
        const { application, out } = options;
        const lifetimeSeconds = options.days ? options.days * 86_400 : undefined;
        const { certificate, credential } = await issueCertificate(connection, application, lifetimeSeconds);
        writeFileSync(join(out, "key.pem"), certificate.key, { mode: 0o600 });
        writeFileSync(join(out, "cert.pem"), certificate.cert);
        writeFileSync(join(out, "ca.pem"), certificate.ca);
        output.object(
          { credential, folder: out },
          () =>
            `${credential}\nkey.pem, cert.pem and ca.pem are in ${out}; use them with --credentials ${out}`,
        );
      } else {
        const lifetime = options.days ? { seconds: BigInt(options.days) * 86_400n } : undefined;
        const issued = await createClient(CredentialService, connection).createApiKey({
          requestId: options.requestId ?? randomUUID(),
          application: options.application,
          displayName: options.name ?? "",
          scopes: options.scope ?? [],
          networks: options.network ?? [],
          ...(lifetime ? { lifetime } : {}),
        });
        showOnce(io, output, { credential: issued.credential?.id, apiKey: issued.apiKey });
      }
    });
}

function addGet(group: Command, io: Io): void {
  addConnectionOptions(group.command("get <credential>"), io)
    .description("show a credential, without its secret")
    .addHelpText("after", "\nExample: wellapi credential get crd_...")
    .action(async (credential: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, await connect(settings));
      const { credential: found } = await client.getCredential({ credential });
      if (found) {
        createOutput(io, settings.json).message(CredentialSchema, found, () =>
          rowOf(found).filter(Boolean).join("  "),
        );
      }
    });
}

function addRevoke(group: Command, io: Io): void {
  addConnectionOptions(group.command("revoke <credential>"), io)
    .description("revoke a credential; its open streams end within two seconds")
    .addHelpText("after", "\nExample: wellapi credential revoke crd_...")
    .action(async (credential: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, await connect(settings));
      const answer = await client.revokeCredential({ credential });
      if (answer.credential) {
        const { revokeTime } = answer.credential;
        createOutput(io, settings.json).message(
          CredentialSchema,
          answer.credential,
          () => `${credential} revoked at ${timeText(revokeTime)}`,
        );
      }
    });
}

function addList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list"), io)
    .description("list an application's credentials")
    .requiredOption("--application <id>", "the application")
    .addHelpText("after", "\nExample: wellapi credential list --application app_...")
    .action(async (options: { application: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(CredentialService, await connect(settings));
      const credentials = await Array.fromAsync(
        paginate(
          (pageToken) => client.listCredentials({ application: options.application, pageToken }),
          (page) => page.credentials,
        ),
      );
      createOutput(io, settings.json).rows(
        CredentialSchema,
        credentials,
        ["credential", "kind", "name", "hint", "expires", "revoked", "last used"],
        rowOf,
      );
    });
}

function rowOf(credential: Credential): string[] {
  const { id, kind, displayName, hint, expireTime, revokeTime, useTime } = credential;
  const shown = kind === Credential_Kind.CERTIFICATE ? "certificate" : "API key";
  const times = [timeText(expireTime), timeText(revokeTime), timeText(useTime)];
  return [id, shown, displayName, hint.slice(0, 20), ...times];
}

export function addToken(program: Command, io: Io): void {
  const group = program.command("token").description("tokens of patients");
  addTokenList(group, io);
  addTokenRevoke(group, io);
  addConnectionOptions(group.command("issue <patient>"), io)
    .description("issue a patient's token (sandbox only)")
    .option("--minutes <n>", "how long it is valid", count)
    .addHelpText("after", "\nExample: export WELLAPI_TOKEN=$(wellapi token issue pat_...)")
    .action(async (patient: string, options: { minutes?: number }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(TokenService, await connect(settings));
      const issued = await client.issuePatientToken({
        requestId: randomUUID(),
        patient,
        ...(options.minutes ? { lifetime: { seconds: BigInt(options.minutes) * 60n } } : {}),
      });
      createOutput(io, settings.json).object(
        { token: issued.token, expireTime: timeText(issued.expireTime) },
        () => issued.token,
      );
    });
}

export function addSigningKey(program: Command, io: Io): void {
  const group = program.command("signing-key").description("the key that signs the installation's tokens");
  addConnectionOptions(group.command("rotate"), io)
    .description("make a new one, which signs a minute later; an operator's command")
    .option("--now", "it may be known to others: sign at once, and drop every other key", false)
    .addHelpText("after", "\nExample: wellapi signing-key rotate")
    .action(async (options: { now: boolean }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(TokenService, await connect(settings));
      const rotated = await client.rotateSigningKey({ immediately: options.now });
      createOutput(io, settings.json).message(RotateSigningKeyResponseSchema, rotated, () =>
        [
          `${rotated.kid} signs from ${timeText(rotated.signTime)}`,
          ...rotated.droppedKids.map((kid) => `${kid} verifies nothing any more, within a minute everywhere`),
        ].join("\n"),
      );
    });
}
