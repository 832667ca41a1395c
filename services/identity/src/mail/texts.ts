import type { Language } from "../accounts/account.ts";
import type { Mail } from "./mailer.ts";

/** What an alert is about. */
export type AlertKind =
  | "passkey_added"
  | "passkey_removed"
  | "passkey_cloned"
  | "totp_added"
  | "totp_removed"
  | "recovery_codes_made"
  | "recovery_code_used"
  | "email_changed"
  | "codes_guessed"
  | "recovered";

const alerts: Readonly<Record<AlertKind, Readonly<Record<Language, string>>>> = {
  passkey_added: {
    en: "A passkey was added to your account.",
    de: "Ihrem Konto wurde ein Passkey hinzugefügt.",
  },
  passkey_removed: {
    en: "A passkey was removed from your account.",
    de: "Aus Ihrem Konto wurde ein Passkey entfernt.",
  },
  passkey_cloned: {
    en: "Somebody tried to sign in with a copy of one of your passkeys. The sign-in was refused. Remove this passkey and add a new one.",
    de: "Jemand wollte sich mit einer Kopie eines Ihrer Passkeys anmelden. Die Anmeldung wurde abgelehnt. Entfernen Sie diesen Passkey und fügen Sie einen neuen hinzu.",
  },
  totp_added: {
    en: "An authenticator app was set up for your account.",
    de: "Für Ihr Konto wurde eine Authenticator-App eingerichtet.",
  },
  totp_removed: {
    en: "The authenticator app was removed from your account.",
    de: "Die Authenticator-App wurde aus Ihrem Konto entfernt.",
  },
  recovery_codes_made: {
    en: "New recovery codes were made for your account. Those of before do not work any more.",
    de: "Für Ihr Konto wurden neue Wiederherstellungscodes erzeugt. Die bisherigen gelten nicht mehr.",
  },
  recovery_code_used: {
    en: "A recovery code of your account was used.",
    de: "Ein Wiederherstellungscode Ihres Kontos wurde benutzt.",
  },
  email_changed: {
    en: "The e-mail address of your account was changed.",
    de: "Die E-Mail-Adresse Ihres Kontos wurde geändert.",
  },
  codes_guessed: {
    en: "Somebody entered wrong codes five times to sign in to your account. The code does not work any more.",
    de: "Jemand hat fünfmal falsche Codes eingegeben, um sich in Ihrem Konto anzumelden. Der Code gilt nicht mehr.",
  },
  recovered: {
    en: "Your account was recovered: it has a new passkey, and every other way in was removed.",
    de: "Ihr Konto wurde wiederhergestellt: Es hat einen neuen Passkey, alle anderen Zugänge wurden entfernt.",
  },
};

const words = {
  en: {
    alert: "Your WellAPI account was changed",
    notYou: "If this was not you, sign in, end all sessions, and tell whoever runs this exchange:",
    code: (code: string) => `${code} is your WellAPI code`,
    codeText: (code: string) =>
      `Your code is ${code}. It holds for ten minutes.\n\nIf you did not ask for it, ignore this mail. Nobody who asks you for the code on the phone or by mail is from us.`,
    recovery: "Somebody wants to recover your WellAPI account",
    recoveryText: (link: string) =>
      `Somebody who reads mail at this address asked for the recovery of your account. In 72 hours a new passkey can be added with a code by e-mail, and every other way in is removed.\n\nIf this was not you, stop it:\n${link}`,
  },
  de: {
    alert: "Ihr WellAPI-Konto wurde geändert",
    notYou:
      "Wenn Sie das nicht waren, melden Sie sich an, beenden Sie alle Sitzungen und sagen Sie es dem Betreiber:",
    code: (code: string) => `${code} ist Ihr WellAPI-Code`,
    codeText: (code: string) =>
      `Ihr Code ist ${code}. Er gilt zehn Minuten.\n\nWenn Sie ihn nicht angefordert haben, brauchen Sie nichts zu tun. Wer Sie am Telefon oder per Mail nach dem Code fragt, ist nicht von uns.`,
    recovery: "Jemand möchte Ihr WellAPI-Konto wiederherstellen",
    recoveryText: (link: string) =>
      `Jemand, der an dieser Adresse Mail liest, möchte Ihr Konto wiederherstellen. In 72 Stunden kann dann mit einem Code per E-Mail ein neuer Passkey hinzugefügt werden; alle anderen Zugänge werden entfernt.\n\nWenn Sie das nicht waren, halten Sie es auf:\n${link}`,
  },
} as const;

interface Recipient {
  readonly email: string;
  readonly language: Language;
}

export function codeMail({ email, language }: Recipient, code: string): Mail {
  const { code: subject, codeText } = words[language];
  return { to: email, subject: subject(code), text: codeText(code) };
}

export function alertMail({ email, language }: Recipient, kind: AlertKind, origin: string): Mail {
  const { alert, notYou } = words[language];
  return { to: email, subject: alert, text: `${alerts[kind][language]}\n\n${notYou}\n${origin}/account` };
}

/** `stop`: the secret that stops the recovery. It stands in the fragment, which browsers send to nobody. */
export function recoveryMail({ email, language }: Recipient, stop: string, origin: string): Mail {
  const { recovery, recoveryText } = words[language];
  return { to: email, subject: recovery, text: recoveryText(`${origin}/recovery/stop#${stop}`) };
}
