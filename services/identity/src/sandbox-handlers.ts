import { setTimeout as delay } from "node:timers/promises";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { SandboxService } from "@wellapi/gen/wellapi/identity/v1/sandbox_service_pb";
import { type Caller, callerKey } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { timesRememberedMs } from "@wellapi/service";
import type { Accesses } from "./accesses.ts";
import { noMailbox } from "./accounts/account-errors.ts";
import { aheadSecondsOf } from "./clocks/organization-clock.ts";
import type { OrganizationClockRepository } from "./clocks/organization-clock-repository.ts";
import { callerNotPermitted, clocksInSandbox } from "./errors.ts";
import type { SandboxMailbox } from "./mail/sandbox-mailbox.ts";
import type { TestPatients } from "./patients/test-patients.ts";
import { toAddress } from "./sign-in/email.ts";

const { method } = SandboxService;

export function createSandboxHandlers(deps: {
  /** Undefined outside of the sandbox, and where mail goes out. */
  readonly mailbox: SandboxMailbox | undefined;
  readonly testPatients: Pick<TestPatients, "organizationOf" | "left">;
  /** Undefined outside of the sandbox. */
  readonly organizationClocks: OrganizationClockRepository | undefined;
  readonly accesses: Accesses;
  readonly clock: Clock;
}): ServiceImpl<typeof SandboxService> {
  const { mailbox, testPatients, organizationClocks, accesses, clock } = deps;

  /** Throws `sandbox_only`, `caller_not_permitted`. */
  function organizationOf(caller: Caller): string {
    const organization = testPatients.organizationOf(caller);
    if (organization === undefined) throw callerNotPermitted("only an organization has a sandbox of its own");
    return organization;
  }

  async function clockOf(organization: string) {
    const ahead = (await organizationClocks?.aheadOf(organization)) ?? 0;
    return { currentTime: timestampFromMs(clock.now() + ahead), clockAhead: durationFromMs(ahead) };
  }

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
      const organization = organizationOf(values.get(callerKey));
      return {
        organization,
        ...(await clockOf(organization)),
        testPatientsLeft: await testPatients.left(organization),
      };
    },
    moveClock({ clockAhead }, context) {
      return accesses.logged(context, method.moveClock, "", async ({ caller, commit }) => {
        if (organizationClocks === undefined) throw clocksInSandbox();
        const organization = organizationOf(caller);
        await organizationClocks.move(organization, aheadSecondsOf(clockAhead), commit());
        // Also where nothing changed: an earlier attempt may have moved it a moment ago. After this nobody uses what was before.
        await delay(timesRememberedMs);
        return clockOf(organization);
      });
    },
  };
}
