import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { noMailbox } from "../accounts/account-errors.ts";
import { toAddress } from "../sign-in/email.ts";
import type { SandboxMailbox } from "./sandbox-mailbox.ts";

/** `mailbox`: undefined outside of the sandbox, and where mail goes out. */
export function createSandboxHandlers(
  mailbox: SandboxMailbox | undefined,
): ServiceImpl<typeof SandboxService> {
  return {
    async listMail({ email }) {
      if (mailbox === undefined) throw noMailbox();
      const kept = mailbox.list(email === "" ? undefined : toAddress(email));
      return {
        mail: kept.map(({ to, subject, text, createTime }) => ({
          email: to,
          subject,
          text,
          createTime: timestampFromMs(createTime),
        })),
      };
    },
  };
}
