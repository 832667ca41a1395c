import type { Language } from "../accounts/account.ts";
import type { Mail } from "../mail/mailer.ts";
import type { Recipient } from "../mail/recipients.ts";

/** What happened: to a petition (the first three), or to a guardian. */
export type GuardianEvent = "asked" | "confirmed" | "refused" | "disputed" | "restored" | "over";

/** Who reads it: the person who asks or acts; the patient; another guardian; or who decides. */
export type GuardianReader = "person" | "patient" | "guardian" | "verifier";

export interface SaidGuardian {
  readonly event: GuardianEvent;
  readonly as: GuardianReader;
  /** `pet_...` or `del_...` */
  readonly id: string;
  /** Where it can be seen or decided. */
  readonly page: string;
  /** Of a petition: when it lapses, UTC milliseconds. */
  readonly expireTime?: number;
}

/** Tells of guardians and of those who want to be. No name of anybody: mail is read by others, too. */
export function guardianMail({ email: to, language }: Recipient, said: SaidGuardian): Mail {
  const { event, as, id, page, expireTime = 0 } = said;
  const words = texts[language][event];
  const until = new Date(expireTime).toISOString().slice(0, 10);
  const whom = whoms[language][as === "patient" ? "patient" : "guardian"];
  const own = as === "person" || as === "verifier" ? words[as] : undefined;
  const text = (own ?? words.near)({ id, until, whom });
  return { to, subject: words.subject, text: `${text}\n${page}\n` };
}

/** `whom`: the patient, as who reads it knows them. */
type Text = (facts: { readonly id: string; readonly until: string; readonly whom: string }) => string;

const whoms = {
  en: { patient: "you", guardian: "somebody for whom you act" },
  de: { patient: "Sie", guardian: "eine Person, für die Sie handeln," },
} as const;

interface Words {
  readonly subject: string;
  /** To the patient and the guardians. */
  readonly near: Text;
  readonly person?: Text;
  readonly verifier?: Text;
}

const english: Readonly<Record<GuardianEvent, Words>> = {
  asked: {
    subject: "Somebody asks to become a guardian at WellAPI",
    near: ({ whom }) =>
      `Somebody asks to become a guardian of ${whom}. Nothing has changed yet: the right to act is checked first. Who it is stands here:`,
    verifier: ({ id, until }) =>
      `Somebody asks to become a guardian (${id}), and you verify it. It lapses on ${until}. Look at the papers, then confirm or refuse it:`,
  },
  confirmed: {
    subject: "A guardian was confirmed at WellAPI",
    person: () =>
      "Your right to act as a guardian was confirmed: you can act now, under your own account. The record stands in your overview:",
    near: ({ whom }) =>
      `A guardian of ${whom} was confirmed, and may act now. Who it is, and how to dispute it, stands here:`,
  },
  refused: {
    subject: "Your request to become a guardian was refused",
    near: () => "Your request to become a guardian was refused. Why stands here:",
  },
  disputed: {
    subject: "A guardian is disputed at WellAPI",
    person: () =>
      "Your right to act as a guardian is disputed. Until it is decided you cannot act. You need not do anything; who runs this exchange may ask you for papers:",
    near: ({ whom }) => `A guardian of ${whom} is disputed, and cannot act until it is decided:`,
    verifier: ({ id }) =>
      `The patient or another guardian disputes a guardian (${id}), who cannot act until you have decided:`,
  },
  restored: {
    subject: "A guardian may act again at WellAPI",
    person: () => "It was decided that you may act as a guardian again:",
    near: ({ whom }) => `It was decided that a guardian of ${whom} may act again:`,
  },
  over: {
    subject: "A guardian's access has ended at WellAPI",
    person: () => "Your access as a guardian has ended:",
    near: ({ whom }) => `The access of a guardian of ${whom} has ended:`,
  },
};

const german: Readonly<Record<GuardianEvent, Words>> = {
  asked: {
    subject: "Bei WellAPI beantragt jemand, gesetzliche Vertretung zu werden",
    near: ({ whom }) =>
      `Jemand beantragt, für ${whom} gesetzliche Vertretung zu werden. Noch hat sich nichts geändert: Erst wird geprüft, ob das Recht dazu besteht. Wer es ist, steht hier:`,
    verifier: ({ id, until }) =>
      `Jemand beantragt, gesetzliche Vertretung zu werden (${id}), und Sie prüfen es. Der Antrag verfällt am ${until}. Sehen Sie die Unterlagen an, dann bestätigen oder lehnen Sie ihn ab:`,
  },
  confirmed: {
    subject: "Bei WellAPI wurde eine gesetzliche Vertretung bestätigt",
    person: () =>
      "Ihre gesetzliche Vertretung wurde bestätigt: Sie können nun handeln, mit Ihrem eigenen Konto. Die Akte steht in Ihrer Übersicht:",
    near: ({ whom }) =>
      `Für ${whom} wurde eine gesetzliche Vertretung bestätigt und kann nun handeln. Wer es ist, und wie Sie widersprechen, steht hier:`,
  },
  refused: {
    subject: "Ihr Antrag auf gesetzliche Vertretung wurde abgelehnt",
    near: () => "Ihr Antrag, gesetzliche Vertretung zu werden, wurde abgelehnt. Warum, steht hier:",
  },
  disputed: {
    subject: "Bei WellAPI wird einer gesetzlichen Vertretung widersprochen",
    person: () =>
      "Ihrer gesetzlichen Vertretung wird widersprochen. Bis darüber entschieden ist, können Sie nicht handeln. Sie müssen nichts tun; vielleicht werden Sie nach Unterlagen gefragt:",
    near: ({ whom }) =>
      `Einer gesetzlichen Vertretung für ${whom} wird widersprochen; sie kann nicht handeln, bis darüber entschieden ist:`,
    verifier: ({ id }) =>
      `Die Patientin, der Patient oder eine andere Vertretung widerspricht einer gesetzlichen Vertretung (${id}); sie kann nicht handeln, bis Sie entschieden haben:`,
  },
  restored: {
    subject: "Bei WellAPI kann eine gesetzliche Vertretung wieder handeln",
    person: () => "Es wurde entschieden, dass Sie als gesetzliche Vertretung wieder handeln können:",
    near: ({ whom }) =>
      `Es wurde entschieden, dass eine gesetzliche Vertretung für ${whom} wieder handeln kann:`,
  },
  over: {
    subject: "Bei WellAPI ist eine gesetzliche Vertretung beendet",
    person: () => "Ihre gesetzliche Vertretung ist beendet:",
    near: ({ whom }) => `Eine gesetzliche Vertretung für ${whom} ist beendet:`,
  },
};

const texts: Readonly<Record<Language, typeof english>> = { en: english, de: german };
