import type { Language } from "../accounts/account.ts";
import type { Told } from "../emergency/emergency-mail.ts";
import type { Mail } from "../mail/mailer.ts";

export type DeathEvent = "reported" | "confirmed" | "undone";

export interface SaidDeath {
  readonly event: DeathEvent;
  /** `dth_...` */
  readonly id: string;
  /** Who reported it, as the installation shows it; empty: a privacy officer. */
  readonly organization: string;
}

/** Tells of the report of a death. No name of a patient: mail is read by others, too. */
export function deathMail({ email: to, language, as }: Told, said: SaidDeath, origin: string): Mail {
  const words = texts[language];
  // Anybody can choose a name: it stays on its line.
  const name = said.organization.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
  const by = name === "" ? words.officer : name;
  const text = as === "officer" ? words.toOfficer : as === "guardian" ? words.toGuardian : words.toPatient;
  return {
    to,
    subject: words.subject[said.event],
    text: `${text[said.event]({ by, id: said.id, office: `${origin}/office/deaths`, home: `${origin}/account` })}\n`,
  };
}

interface Facts {
  readonly by: string;
  readonly id: string;
  readonly office: string;
  readonly home: string;
}

type Texts = Readonly<Record<DeathEvent, (facts: Facts) => string>>;

interface Words {
  readonly officer: string;
  readonly subject: Readonly<Record<DeathEvent, string>>;
  readonly toPatient: Texts;
  readonly toGuardian: Texts;
  readonly toOfficer: Texts;
}

const english: Words = {
  officer: "The privacy officer",
  subject: {
    reported: "A death was reported at WellAPI",
    confirmed: "A record at WellAPI is frozen",
    undone: "A record at WellAPI is open again",
  },
  toPatient: {
    reported: ({ by }) =>
      `${by} reported to WellAPI that the person with this account died. Nothing has changed yet: the privacy officer checks it first.

If you are that person, it is a mistake: tell whoever runs this exchange at once, by answering in your own words how they can reach you.`,
    confirmed: () =>
      `The privacy officer has confirmed the report of a death. The record of the person with this account is frozen: nobody adds to it, reads it under a permission or signs in with this account.

If you are that person, it is a mistake: tell whoever runs this exchange. It can be undone, and nothing is lost.`,
    undone: ({ home }) =>
      `The report of a death was a mistake, and it is undone. Your record is as it was, your permissions count again, and you can sign in:
${home}

What a representative has revoked meanwhile stays revoked; the log shows all that was done.`,
  },
  toGuardian: {
    reported: ({ by }) =>
      `${by} reported to WellAPI that somebody for whom you act as guardian died. Nothing has changed yet: the privacy officer checks it first. If it is a mistake, tell whoever runs this exchange at once.`,
    confirmed: () =>
      "The record of somebody for whom you acted as guardian is frozen, because their death was confirmed. Nobody acts for them now but a representative whom the privacy officer names. If it is a mistake, tell whoever runs this exchange.",
    undone: ({ home }) =>
      `The report of the death of somebody for whom you act as guardian was a mistake, and it is undone. All is as it was:
${home}`,
  },
  toOfficer: {
    reported: ({ by, id, office }) => `${by} reported a death (${id}). It waits for your decision:
${office}`,
    confirmed: ({ id, office }) => `A death was confirmed (${id}): the record is frozen.
${office}`,
    undone: ({ id, office }) => `A confirmed death was undone (${id}): the record is not frozen any more.
${office}`,
  },
};

const german: Words = {
  officer: "Die oder der Datenschutzbeauftragte",
  subject: {
    reported: "Bei WellAPI wurde ein Todesfall gemeldet",
    confirmed: "Eine Akte bei WellAPI ist eingefroren",
    undone: "Eine Akte bei WellAPI ist wieder offen",
  },
  toPatient: {
    reported: ({ by }) =>
      `${by} hat WellAPI gemeldet, dass die Person mit diesem Konto verstorben ist. Noch hat sich nichts geändert: Die oder der Datenschutzbeauftragte prüft es erst.

Wenn Sie diese Person sind, ist es ein Irrtum: Sagen Sie es sofort dem Betreiber, und wie er Sie erreicht.`,
    confirmed: () =>
      `Die Meldung eines Todesfalls wurde bestätigt. Die Akte der Person mit diesem Konto ist eingefroren: Niemand fügt etwas hinzu, liest mit einer Erlaubnis oder meldet sich mit diesem Konto an.

Wenn Sie diese Person sind, ist es ein Irrtum: Sagen Sie es dem Betreiber. Es lässt sich rückgängig machen, und nichts geht verloren.`,
    undone: ({ home }) =>
      `Die Meldung eines Todesfalls war ein Irrtum und ist zurückgenommen. Ihre Akte ist, wie sie war, Ihre Erlaubnisse gelten wieder, und Sie können sich anmelden:
${home}

Was eine Vertretung inzwischen widerrufen hat, bleibt widerrufen; das Protokoll zeigt alles, was getan wurde.`,
  },
  toGuardian: {
    reported: ({ by }) =>
      `${by} hat WellAPI gemeldet, dass eine Person verstorben ist, die Sie gesetzlich vertreten. Noch hat sich nichts geändert: Die oder der Datenschutzbeauftragte prüft es erst. Wenn es ein Irrtum ist, sagen Sie es sofort dem Betreiber.`,
    confirmed: () =>
      "Die Akte einer Person, die Sie gesetzlich vertreten haben, ist eingefroren, weil ihr Tod bestätigt wurde. Für sie handelt nur noch, wen die oder der Datenschutzbeauftragte als Vertretung einträgt. Wenn es ein Irrtum ist, sagen Sie es dem Betreiber.",
    undone: ({ home }) =>
      `Die Meldung des Todes einer Person, die Sie gesetzlich vertreten, war ein Irrtum und ist zurückgenommen. Alles ist, wie es war:
${home}`,
  },
  toOfficer: {
    reported: ({
      by,
      id,
      office,
    }) => `${by} hat einen Todesfall gemeldet (${id}). Er wartet auf Ihre Entscheidung:
${office}`,
    confirmed: ({ id, office }) => `Ein Todesfall wurde bestätigt (${id}): Die Akte ist eingefroren.
${office}`,
    undone: ({
      id,
      office,
    }) => `Ein bestätigter Todesfall wurde zurückgenommen (${id}): Die Akte ist nicht mehr eingefroren.
${office}`,
  },
};

const texts: Readonly<Record<Language, Words>> = { en: english, de: german };
