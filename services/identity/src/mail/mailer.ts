/** A mail in plain text. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Sends mail to people. */
export interface Mailer {
  /** Resolves once the mail server has taken it. Throws `mail_unavailable`, and `mail_not_set_up` where there is none. */
  send(mail: Mail): Promise<void>;
}
