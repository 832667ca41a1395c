import type { NoticeKind } from "./notice.ts";
import type { Language } from "./preferences.ts";

/** A message outside the inbox. It names no organization, no category and no value: others read mail and lock screens, too. */
export interface Message {
  readonly subject: string;
  readonly text: string;
}

const sentences: Readonly<Record<NoticeKind, Readonly<Record<Language, string>>>> = {
  consent_granted: {
    en: "A consent was granted from your account.",
    de: "Über Ihr Konto wurde eine Einwilligung erteilt.",
  },
  consent_changed: {
    en: "One of your consents was changed.",
    de: "Eine Ihrer Einwilligungen wurde geändert.",
  },
  consent_revoked: {
    en: "One of your consents was revoked.",
    de: "Eine Ihrer Einwilligungen wurde widerrufen.",
  },
  consent_ending: {
    en: "One of your consents ends soon.",
    de: "Eine Ihrer Einwilligungen endet bald.",
  },
  consent_requested: {
    en: "An organization asks for your consent. You decide, and you may take your time.",
    de: "Eine Organisation bittet um Ihre Einwilligung. Sie entscheiden, und Sie dürfen sich Zeit lassen.",
  },
  first_access: {
    en: "An organization read your data for the first time.",
    de: "Eine Organisation hat Ihre Daten zum ersten Mal gelesen.",
  },
  access_at_night: {
    en: "An organization read your data at night, which is unusual for it.",
    de: "Eine Organisation hat Ihre Daten nachts gelesen, was für sie ungewöhnlich ist.",
  },
  access_after_silence: {
    en: "An organization read your data after a long time.",
    de: "Eine Organisation hat Ihre Daten nach langer Zeit wieder gelesen.",
  },
  access_much_more: {
    en: "An organization read your data much more often than usual.",
    de: "Eine Organisation hat Ihre Daten viel häufiger gelesen als sonst.",
  },
  emergency_access: {
    en: "A clinician opened emergency access to your data.",
    de: "Eine behandelnde Person hat einen Notfallzugriff auf Ihre Daten geöffnet.",
  },
  data_retracted: {
    en: "A source of your data took some of it back.",
    de: "Eine Quelle Ihrer Daten hat einen Teil davon zurückgenommen.",
  },
  delegation_accepted: {
    en: "Somebody may now act for you.",
    de: "Jemand darf jetzt für Sie handeln.",
  },
  rights_answered: {
    en: "An organization answered what you demand of it.",
    de: "Eine Organisation hat beantwortet, was Sie von ihr verlangen.",
  },
  rights_overdue: {
    en: "An organization did not answer in time what you demand of it.",
    de: "Eine Organisation hat nicht rechtzeitig beantwortet, was Sie von ihr verlangen.",
  },
  deletion_overdue: {
    en: "An organization did not say in time whether it deleted what it had received of you.",
    de: "Eine Organisation hat nicht rechtzeitig gesagt, ob sie gelöscht hat, was sie von Ihnen erhalten hatte.",
  },
  deletion_answered: {
    en: "An organization answered whether it deleted what it had received of you.",
    de: "Eine Organisation hat geantwortet, ob sie gelöscht hat, was sie von Ihnen erhalten hatte.",
  },
};

const words = {
  en: {
    subject: "News about your data at WellAPI",
    see: "What it is about, and what you can do, is in your inbox:",
    switchOff: "There you also choose what you are told of by mail.",
  },
  de: {
    subject: "Neues zu Ihren Daten bei WellAPI",
    see: "Worum es geht und was Sie tun können, steht in Ihrem Posteingang:",
    switchOff: "Dort wählen Sie auch, worüber Sie per Mail benachrichtigt werden.",
  },
} as const;

/** Where people find their inbox, under the installation's origin. */
const INBOX = "/me/notices";

/** `{origin}` stands for the installation's origin, which the sender of mail knows. */
export function mailOf(kind: NoticeKind, language: Language): Message {
  const { subject, see, switchOff } = words[language];
  return { subject, text: `${sentences[kind][language]}\n\n${see}\n{origin}${INBOX}\n\n${switchOff}\n` };
}

/** What the page's service worker shows. */
export function pushOf(
  kind: NoticeKind,
  language: Language,
): { readonly title: string; readonly body: string; readonly path: string } {
  return { title: "WellAPI", body: sentences[kind][language], path: INBOX };
}
