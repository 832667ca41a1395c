import type { Change } from "@wellapi/store";
import type { AccountRepository } from "../accounts/account-repository.ts";
import { INSTALLATION } from "../collections.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import type { Mail } from "../mail/mailer.ts";
import { STAFF } from "../members/member.ts";
import type { MemberRepository } from "../members/member-repository.ts";
import type { Credential } from "./credential.ts";

/** Tells those who answer for a key that it was reported as leaked: by mail that is stored with the revocation. */
export interface LeakNotice {
  /** For the commit of the revocation. */
  changes(revoked: Credential): Promise<readonly Change[]>;
  /** After the commit. */
  committed(): void;
}

/** Of one key. */
const MOST_TOLD = 20;
const MOST_MEMBERS = 1_000;

export function createLeakNotice(deps: {
  readonly members: Pick<MemberRepository, "ofBody">;
  readonly accounts: Pick<AccountRepository, "find">;
  readonly alerts: Pick<AlertOutbox, "insertion" | "kick">;
}): LeakNotice {
  const { members, accounts, alerts } = deps;
  return {
    async changes(revoked) {
      const { holder } = revoked;
      const body = holder.kind === "application" ? holder.organization : STAFF;
      const answering =
        holder.kind === "application" ? (["owner", "administrator"] as const) : (["operator"] as const);
      const { items } = await members.ofBody(body, { size: MOST_MEMBERS });
      const told = items.filter(({ roles }) => answering.some((role) => roles.includes(role)));
      const mails = await Promise.all(
        told.slice(0, MOST_TOLD).map(async ({ account, email }) => {
          const known = (await accounts.find(account))?.account;
          const to = known?.email ?? email;
          return to === undefined ? [] : [mailOf(to, known?.language ?? "en", revoked)];
        }),
      );
      return mails.flat().map((mail) => alerts.insertion(INSTALLATION, mail));
    },
    committed: () => alerts.kick(),
  };
}

function mailOf(to: string, language: string, { id, hint, displayName = "" }: Credential): Mail {
  const name = displayName === "" ? id : `${id} (${displayName.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ")})`;
  if (language.startsWith("de")) {
    return {
      to,
      subject: "Ein API-Schlüssel wurde gefunden und ist gesperrt",
      text: `Der API-Schlüssel ${name}, der mit ${hint} beginnt, wurde dort gemeldet, wo er nicht hingehört. Er ist gesperrt.

Erzeugen Sie einen neuen, und suchen Sie im Zugriffsprotokoll nach Aufrufen, die nicht von Ihnen sind.
`,
    };
  }
  return {
    to,
    subject: "An API key was found, and is revoked",
    text: `The API key ${name}, which begins with ${hint}, was reported where it should not be. It is revoked.

Make a new one, and look in the log of accesses for calls that are not yours.
`,
  };
}
