import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { callerKey } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { noMailbox } from "./accounts/account-errors.ts";
import { callerNotPermitted } from "./errors.ts";
import type { SandboxMailbox } from "./mail/sandbox-mailbox.ts";
import type { TestPatients } from "./patients/test-patients.ts";
import { toAddress } from "./sign-in/email.ts";

export function createSandboxHandlers(deps: {
  /** Undefined outside of the sandbox, and where mail goes out. */
  readonly mailbox: SandboxMailbox | undefined;
  readonly testPatients: Pick<TestPatients, "organizationOf" | "left">;
  readonly clock: Clock;
}): ServiceImpl<typeof SandboxService> {
  const { mailbox, testPatients, clock } = deps;
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
    async getSandbox(_request, { values }) {
      const organization = testPatients.organizationOf(values.get(callerKey));
      if (organization === undefined)
        throw callerNotPermitted("only an organization has a sandbox of its own");
      return {
        organization,
        currentTime: timestampFromMs(clock.now()),
        testPatientsLeft: await testPatients.left(organization),
      };
    },
  };
}
