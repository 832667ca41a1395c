import { createClient } from "@connectrpc/connect";
import { DelegationService } from "@wellapi/gen/wellapi/identity/v1/delegation_service_pb";
import { MemberService } from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import type { Command } from "commander";
import { nameOf } from "../arguments.ts";
import { codeFrom } from "../code-file.ts";
import { connect } from "../connection.ts";
import { kinds } from "../delegation-text.ts";
import type { Io } from "../io.ts";
import { createOutput } from "../output.ts";
import { roleNames } from "../role-names.ts";
import { addConnectionOptions, settingsOf } from "../settings.ts";

/** Of carers and guardians; all other codes are of members and staff. */
const delegationCode = /^wellapi_dc_/;

export function addInvitation(program: Command, io: Io): void {
  const group = program.command("invitation").description("invitations that you got by e-mail");
  addConnectionOptions(group.command("accept"), io)
    .description("accept an invitation to an organization, to the staff, or to act for somebody")
    .option("--code-file <file>", "file with the code of the mail's link (or set WELLAPI_INVITATION_CODE)")
    .addHelpText(
      "after",
      "\nExample: wellapi login --as account && wellapi invitation accept --code-file code.txt",
    )
    .action(async ({ codeFile }: { codeFile?: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const output = createOutput(io, settings.json);
      // A link is as good as its code, which is after the #.
      const code = codeFrom(codeFile, "WELLAPI_INVITATION_CODE", io).replace(/^.*#/, "");
      const connection = await connect(settings);
      if (delegationCode.test(code)) {
        const { kind, patient, delegation } = await createClient(
          DelegationService,
          connection,
        ).acceptDelegation({
          code,
        });
        const word = nameOf(kinds, kind);
        output.object({ kind: word, patient, delegation }, () => `${word} of ${patient} (${delegation})`);
        return;
      }
      const { organization, roles } = await createClient(MemberService, connection).acceptInvitation({
        code,
      });
      const names = roles.map((role) => nameOf(roleNames, role));
      output.object(
        { organization, roles: names },
        () => `${names.join(", ")} of ${organization || "the staff"}`,
      );
    });
}
