import { createTransport } from "nodemailer";
import { mailUnavailable } from "../accounts/account-errors.ts";
import type { Mailer } from "./mailer.ts";

const timeoutMs = 10_000;

/** Sends by SMTP: `smtps://user:password@host:465`, or `smtp://host:587`, which goes on by STARTTLS where the server has it. */
export function createSmtpMailer(url: string, from: string): Mailer & { close(): void } {
  const transport = createTransport({
    url,
    pool: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // No text of ours names a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  } as Parameters<typeof createTransport>[0]);
  const domain = /@([^@>\s]+)>?\s*$/.exec(from)?.[1] ?? "localhost";
  return {
    async send({ to, subject, text, id }) {
      try {
        await transport.sendMail({
          from,
          to: { name: "", address: to },
          subject,
          text,
          ...(id !== undefined && { messageId: `<${id}@${domain}>` }),
          headers: { "auto-submitted": "auto-generated" },
        });
      } catch (cause) {
        // The server's answer may repeat the recipient: it goes no further than its code.
        const code = (cause as { code?: string }).code ?? "ESMTP";
        throw mailUnavailable(new Error(`the mail server answered ${code}`));
      }
    },
    close: () => transport.close(),
  };
}
