import type { ServiceImpl } from "@connectrpc/connect";
import type { PatientMailService } from "@wellapi/gen/wellapi/internal/identity/v1/patient_mail_service_pb";
import { type MailRecipientsDeps, mailRecipients } from "./mail-recipients.ts";
import type { Mailer } from "./mailer.ts";

/** Mail to patients for other services, which learn no address. */
export function createPatientMailHandlers(
  deps: MailRecipientsDeps & { readonly mailer: Mailer; readonly origin: () => string },
): ServiceImpl<typeof PatientMailService> {
  const { mailer, origin } = deps;
  return {
    async listMailRecipients({ partition }) {
      const recipients = await mailRecipients(deps, partition);
      return {
        recipients: recipients.map(({ account, language, hides }) => ({
          account,
          language,
          hides: [...hides],
        })),
      };
    },
    async sendPatientMail({ partition, account, messageId: id, subject, text }) {
      const recipient = (await mailRecipients(deps, partition)).find((one) => one.account === account);
      if (recipient === undefined) return { sent: false };
      await mailer.send({ to: recipient.email, subject, text: text.replaceAll("{origin}", origin()), id });
      return { sent: true };
    },
  };
}
