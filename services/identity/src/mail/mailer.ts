/** A mail in plain text. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Before the `@` of its Message-ID, where the mail may be sent again: a mail program then shows it once. Else a new one each time. */
  readonly id?: string;
}

/** Sends mail to people. */
export interface Mailer {
  /** Resolves once the mail server has taken it. Throws `mail_unavailable`, and `mail_not_set_up` where there is none. */
  send(mail: Mail): Promise<void>;
}
