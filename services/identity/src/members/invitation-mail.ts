import type { Role } from "@wellapi/rpc";
import { mailUnavailable } from "./member-errors.ts";

/** What a mail offers. */
export interface Offer {
  readonly code: string;
  /** What people read; undefined: the installation's staff. */
  readonly organizationName: string | undefined;
  readonly roles: readonly Role[];
  readonly expireTime: number;
}

/** Hands a mail over, to be delivered. */
export interface InvitationMailer {
  send(mail: { readonly to: string; readonly subject: string; readonly text: string }): Promise<void>;
}

/** Sends the mail of an invitation. Throws `mail_unavailable`. */
export type MailInvitation = (to: string, language: string, offer: Offer) => Promise<void>;

/**
 * `origin` is where people reach the pages, such as `https://wellapi.example.com`. The code is in the link's fragment, which a
 * browser sends to nobody.
 */
export function createInvitationMail(options: {
  readonly mailer: InvitationMailer;
  readonly origin: () => string;
}): MailInvitation {
  const { mailer, origin } = options;
  return async (to, language, offer) => {
    const text = language.toLowerCase().startsWith("de") ? german : english;
    try {
      await mailer.send({ to, ...text(invitationLink(origin(), offer.code), offer) });
    } catch (cause) {
      throw mailUnavailable(cause);
    }
  };
}

export function invitationLink(origin: string, code: string): string {
  return `${origin}/invitations#${code}`;
}

const roleNames: Readonly<Record<Role, { readonly en: string; readonly de: string }>> = {
  operator: { en: "operator", de: "Betrieb" },
  privacy_officer: { en: "privacy officer", de: "Datenschutz" },
  staff_auditor: { en: "auditor", de: "Revision" },
  support: { en: "support", de: "Unterstützung" },
  owner: { en: "owner", de: "Inhaberin oder Inhaber" },
  administrator: { en: "administrator", de: "Verwaltung" },
  developer: { en: "developer", de: "Entwicklung" },
  clinician: { en: "clinician", de: "Behandlung" },
  auditor: { en: "auditor", de: "Revision" },
};

function english(link: string, { organizationName, roles, expireTime }: Offer) {
  const of = organizationName === undefined ? "the staff of this exchange" : quoted(organizationName);
  return {
    subject: "You are invited to WellAPI",
    text: `You are invited to join ${of} as ${roles.map((role) => roleNames[role].en).join(", ")}.

Open this link and sign in, or create an account:
${link}

It works once, until ${dayOf(expireTime)} (UTC). If you do not know who invites you, do nothing: without you the invitation ends by itself.
`,
  };
}

function german(link: string, { organizationName, roles, expireTime }: Offer) {
  const of =
    organizationName === undefined ? "beim Personal dieses Austauschs" : `bei ${quoted(organizationName)}`;
  return {
    subject: "Einladung zu WellAPI",
    text: `Sie sind eingeladen, ${of} mitzuarbeiten als: ${roles.map((role) => roleNames[role].de).join(", ")}.

Öffnen Sie diesen Link und melden Sie sich an, oder legen Sie ein Konto an:
${link}

Er gilt einmal, bis ${dayOf(expireTime)} (UTC). Wenn Sie nicht wissen, wer Sie einlädt, tun Sie nichts: Die Einladung endet dann von selbst.
`,
  };
}

/** A name of an organization's own choice must not look like a part of our text, nor bring a link of its own. */
function quoted(name: string): string {
  return `"${name.replaceAll(/[\p{C}\p{Zl}\p{Zp}"]/gu, " ").replaceAll(/:\/\/|www\./giu, " ")}"`;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
