import type { Clock, Logger } from "@wellapi/runtime";
import type { Mail, Mailer } from "./mailer.ts";

/** The mail that a sandbox did not send, in memory. */
export interface SandboxMailbox extends Mailer {
  /** Newest first; `to`: only to this address. */
  list(to?: string): readonly KeptMail[];
}

export interface KeptMail extends Mail {
  /** UTC milliseconds. */
  readonly createTime: number;
}

const mostKept = 100;

export function createSandboxMailbox({
  clock,
  log,
}: {
  readonly clock: Clock;
  readonly log: Logger;
}): SandboxMailbox {
  let kept: readonly KeptMail[] = [];
  return {
    async send(mail) {
      kept = [{ ...mail, createTime: clock.now() }, ...kept].slice(0, mostKept);
      log.info("the sandbox sends no mail: what it would have sent is on the page /mailbox");
    },
    list: (to) => (to === undefined ? kept : kept.filter((mail) => mail.to === to)),
  };
}
