import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import { PatientTokenSchema } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import {
  RevokePatientTokensResponseSchema,
  TokenService,
} from "@wellapi/gen/wellapi/identity/v1/token_service_pb";
import type { Command } from "commander";
import { connect } from "../connection.ts";
import { CliError } from "../failure.ts";
import type { Io } from "../io.ts";
import { createOutput, timeText } from "../output.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

export function addTokenList(group: Command, io: Io): void {
  addConnectionOptions(group.command("list <patient>"), io)
    .description("list a patient's tokens, newest first, for a day after they ended")
    .addHelpText("after", "\nExample: wellapi token list pat_...")
    .action(async (patient: string, _options: object, command: Command) => {
      const settings = settingsOf(command, io);
      const client = createClient(TokenService, await connect(settings));
      const tokens = await Array.fromAsync(
        paginate(
          (pageToken) => client.listPatientTokens({ patient, pageToken }),
          (page) => page.tokens,
        ),
      );
      createOutput(io, settings.json).rows(
        PatientTokenSchema,
        tokens,
        ["token", "issued by", "issued", "expires", "revoked"],
        ({ id, operator, createTime, expireTime, revokeTime }) => [
          id,
          operator,
          timeText(createTime),
          timeText(expireTime),
          timeText(revokeTime),
        ],
      );
    });
}

export function addTokenRevoke(group: Command, io: Io): void {
  addConnectionOptions(group.command("revoke <patient> [tokens...]"), io)
    .description("revoke tokens of a patient, by their ids or all")
    .option("--all", "all that are in force", false)
    .addHelpText("after", "\nExample: wellapi token revoke pat_... tok_...")
    .action(async (patient: string, tokens: string[], { all }: { all: boolean }, command: Command) => {
      if (all === tokens.length > 0) throw new CliError("usage", "name tokens (tok_...), or say --all");
      const settings = settingsOf(command, io);
      const client = createClient(TokenService, await connect(settings));
      const answer = await client.revokePatientTokens({ patient, tokens });
      createOutput(io, settings.json).message(RevokePatientTokensResponseSchema, answer, () =>
        answer.revoked === 1 ? "1 token revoked" : `${answer.revoked} tokens revoked`,
      );
    });
}
