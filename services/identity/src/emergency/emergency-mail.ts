import type { Language } from "../accounts/account.ts";
import type { Mail } from "../mail/mailer.ts";

/** Who is told: the patient or their guardian, or a privacy officer. */
export interface Told {
  readonly email: string;
  readonly language: Language;
  readonly as: "patient" | "guardian" | "officer";
}

export interface OpenedEmergency {
  /** `emg_...` */
  readonly id: string;
  /** As the installation shows it, or its id. */
  readonly organization: string;
  /** UTC milliseconds. */
  readonly createTime: number;
}

/** Tells of emergency access. Nothing of anybody's health, and no name of a patient: mail is read by others, too. */
export function emergencyMail(
  { email: to, language, as }: Told,
  { id, organization, createTime }: OpenedEmergency,
  origin: string,
): Mail {
  const at = `${new Date(createTime).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  // Anybody can choose a name: it stays on its line.
  const name = organization.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
  return {
    to,
    ...texts[language][as]({
      id,
      name,
      at,
      page: `${origin}/${as === "officer" ? "office/emergencies" : "account/emergency"}`,
    }),
  };
}

interface Said {
  readonly id: string;
  readonly name: string;
  readonly at: string;
  readonly page: string;
}

const english = {
  subject: "Emergency access was opened at WellAPI",
  patient: ({ name, at, page }: Said, whose: string) =>
    `A clinician of ${name} opened emergency access to ${whose}, ${at}. It lasts an hour at the most.

Who it was, the reason, and a way to end it at once:
${page}

If nobody had an emergency, end it there and tell whoever runs this exchange.
`,
};

const german = {
  subject: "Bei WellAPI wurde ein Notfallzugriff geöffnet",
  patient: ({ name, at, page }: Said, whose: string) =>
    `Eine behandelnde Person von ${name} hat einen Notfallzugriff auf ${whose} geöffnet, ${at}. Er dauert höchstens eine Stunde.

Wer es war, der Grund und ein Weg, ihn sofort zu beenden:
${page}

Wenn es keinen Notfall gab, beenden Sie ihn dort und sagen Sie es dem Betreiber.
`,
};

const texts: Readonly<
  Record<Language, Readonly<Record<Told["as"], (said: Said) => Pick<Mail, "subject" | "text">>>>
> = {
  en: {
    patient: (said) => ({ subject: english.subject, text: english.patient(said, "your data") }),
    guardian: (said) => ({
      subject: english.subject,
      text: english.patient(said, "the data of somebody for whom you act as guardian"),
    }),
    officer: ({ id, name, at, page }) => ({
      subject: english.subject,
      text: `A clinician of ${name} opened emergency access ${id}, ${at}. It lasts an hour at the most. The patient is told, too.

As privacy officer you see it, and end it, here (or by ListEmergencyAccesses and EndEmergencyAccess):
${page}
`,
    }),
  },
  de: {
    patient: (said) => ({ subject: german.subject, text: german.patient(said, "Ihre Daten") }),
    guardian: (said) => ({
      subject: german.subject,
      text: german.patient(said, "die Daten einer Person, die Sie gesetzlich vertreten,"),
    }),
    officer: ({ id, name, at, page }) => ({
      subject: german.subject,
      text: `Eine behandelnde Person von ${name} hat den Notfallzugriff ${id} geöffnet, ${at}. Er dauert höchstens eine Stunde. Auch die betroffene Person wird benachrichtigt.

Als Datenschutzbeauftragte sehen und beenden Sie ihn hier (oder mit ListEmergencyAccesses und EndEmergencyAccess):
${page}
`,
    }),
  },
};
