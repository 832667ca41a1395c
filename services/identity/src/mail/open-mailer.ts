import type { Clock, Logger } from "@wellapi/runtime";
import { mailNotSetUp } from "../accounts/account-errors.ts";
import type { Mailer } from "./mailer.ts";
import { createSandboxMailbox, type SandboxMailbox } from "./sandbox-mailbox.ts";

export interface OpenMailer {
  readonly mailer: Mailer;
  /** Where mail ends in a sandbox without a mail server. */
  readonly mailbox?: SandboxMailbox;
  close(): void;
}

export interface MailSettings {
  readonly profile: "sandbox" | "production";
  readonly smtpUrl?: string | undefined;
  readonly mailFrom?: string | undefined;
}

/**
 * By SMTP where it is set; else into a sandbox's mailbox. A production installation without SMTP starts, for its programs
 * need no mail, and refuses whatever needs it: nobody can register, sign in by e-mail or be invited.
 */
export async function openMailer(
  settings: MailSettings,
  deps: { readonly clock: Clock; readonly log: Logger },
): Promise<OpenMailer> {
  const { profile, smtpUrl, mailFrom } = settings;
  if (smtpUrl !== undefined && mailFrom !== undefined) {
    // Only here: an installation without a mail server needs no SMTP.
    const { createSmtpMailer } = await import("./smtp-mailer.ts");
    const mailer = createSmtpMailer(smtpUrl, mailFrom);
    return { mailer, close: () => mailer.close() };
  }
  if (profile === "sandbox") {
    const mailbox = createSandboxMailbox(deps);
    return { mailer: mailbox, mailbox, close() {} };
  }
  deps.log.warn(
    "no mail can be sent: nobody can register, sign in by e-mail or be invited; set WELLAPI_SMTP_URL and WELLAPI_MAIL_FROM",
  );
  return { mailer: noMailer, close() {} };
}

/** Of an installation that has no mail server. */
const noMailer: Mailer = {
  async send() {
    throw mailNotSetUp();
  },
};
