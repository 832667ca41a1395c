import type { Logger } from "@wellapi/runtime";
import { type Account, accountPartition } from "../accounts/account.ts";
import type { AccountAccesses, AccountCall } from "../accounts/account-accesses.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import { type AlertKind, alertMail } from "../mail/texts.ts";

/** What refused sign-ins leave. */
export interface Refusals {
  /** Durable when it resolves. */
  refused(account: Account, call: AccountCall, reason: string, alert?: AlertKind): Promise<void>;
  /**
   * Where the account of the address is looked up after the answer, for which it must not take longer: the answer says
   * nothing of whether there is one.
   */
  refusedLater(email: string, call: AccountCall, reason: string, alert?: AlertKind): void;
  /** Waits for those. */
  settled(): Promise<void>;
}

export function createRefusals(deps: {
  readonly accounts: Pick<AccountRepository, "findByEmail">;
  readonly accesses: AccountAccesses;
  readonly alerts: AlertOutbox;
  readonly origin: () => string;
  readonly log: Logger;
}): Refusals {
  const { accounts, accesses, alerts, origin, log } = deps;
  const running = new Set<Promise<void>>();

  async function refused(
    account: Account,
    call: AccountCall,
    reason: string,
    alert?: AlertKind,
  ): Promise<void> {
    await accesses.denied(account, call, reason);
    if (alert !== undefined)
      await alerts.add(accountPartition(account.id), alertMail(account, alert, origin()));
  }

  async function lookUp(email: string, call: AccountCall, reason: string, alert?: AlertKind): Promise<void> {
    try {
      const found = await accounts.findByEmail(email);
      if (found !== undefined) await refused(found.account, call, reason, alert);
    } catch (err) {
      log.error({ err }, "a refused sign-in has no entry");
    }
  }

  return {
    refused,
    refusedLater(email, call, reason, alert) {
      const work = lookUp(email, call, reason, alert).finally(() => running.delete(work));
      running.add(work);
    },
    async settled() {
      await Promise.all(running);
    },
  };
}
