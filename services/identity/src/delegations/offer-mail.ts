import { type InvitationMailer, invitationLink } from "../members/invitation-mail.ts";
import { mailUnavailable } from "../members/member-errors.ts";
import type { Kind } from "./delegation.ts";

/** Sends the mail of an offer. Throws `mail_unavailable`. */
export type MailOffer = (
  to: string,
  language: string,
  offer: { readonly code: string; readonly kind: Kind; readonly expireTime: number },
) => Promise<void>;

/** The mail names neither the patient nor who invites: whoever reads other people's mail learns nothing of anybody's health. */
export function createOfferMail(options: {
  readonly mailer: InvitationMailer;
  readonly origin: () => string;
}): MailOffer {
  const { mailer, origin } = options;
  return async (to, language, { code, kind, expireTime }) => {
    const link = invitationLink(origin(), code);
    const until = new Date(expireTime).toISOString().slice(0, 16).replace("T", " ");
    const text = language.toLowerCase().startsWith("de") ? german : english;
    try {
      await mailer.send({ to, ...text(link, kind, until) });
    } catch (cause) {
      throw mailUnavailable(cause);
    }
  };
}

function english(link: string, kind: Kind, until: string) {
  return {
    subject: "You are asked to act for somebody at WellAPI",
    text: `Somebody asks you to act for them as ${kind}. The page behind this link says for whom; sign in there, or create an account of your own:
${link}

It works once, until ${until} (UTC). If you do not expect this, do nothing: without you it ends by itself.
`,
  };
}

const germanKinds: Readonly<Record<Kind, string>> = {
  carer: "Vertrauensperson",
  guardian: "gesetzliche Vertretung",
  representative: "Vertretung einer verstorbenen Person",
};

function german(link: string, kind: Kind, until: string) {
  return {
    subject: "Bitte, bei WellAPI für jemanden zu handeln",
    text: `Sie sind gebeten, für jemanden zu handeln: als ${germanKinds[kind]}. Die Seite hinter diesem Link sagt, für wen; melden Sie sich dort an, oder legen Sie ein eigenes Konto an:
${link}

Er gilt einmal, bis ${until} (UTC). Wenn Sie das nicht erwarten, tun Sie nichts: Ohne Sie endet die Bitte von selbst.
`,
  };
}
