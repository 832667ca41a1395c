import type { Change } from "@wellapi/store";
import type { Delegation } from "../delegations/delegation.ts";
import type { ChangeNotices } from "../delegations/delegation-changes.ts";
import type { AlertOutbox } from "../mail/alert-outbox.ts";
import {
  eachOnce,
  membersWith,
  patientAndGuardians,
  type Recipient,
  type RecipientsDeps,
} from "../mail/recipients.ts";
import { STAFF } from "../members/member.ts";
import { type GuardianEvent, type GuardianReader, guardianMail } from "./guardian-mail.ts";
import type { Petition } from "./petition.ts";

/** Mail about guardians and petitions, which belongs to the commit of what it tells of: nobody learns too little, or of nothing. */
export interface GuardianNotices extends ChangeNotices {
  asked(petition: Petition): Promise<readonly Change[]>;
  /** Of one that was confirmed or refused. */
  decided(petition: Petition): Promise<readonly Change[]>;
}

type Reader = Recipient & { readonly as: GuardianReader };

const pages: Readonly<Record<Exclude<GuardianReader, "verifier">, string>> = {
  person: "/account/guardianships",
  patient: "/account/people",
  guardian: "/account/people",
};

export function createGuardianNotices(
  deps: RecipientsDeps & {
    readonly alerts: Pick<AlertOutbox, "insertion" | "kick">;
    readonly origin: () => string;
  },
): GuardianNotices {
  const { accounts, alerts, origin } = deps;

  function mails(
    about: { readonly event: GuardianEvent; readonly id: string; readonly expireTime?: number },
    /** Who verifies: an organization; empty: the privacy officer. */
    organization: string,
    partition: string,
    readers: readonly Reader[],
  ): readonly Change[] {
    const work = organization === "" ? "/office/guardians" : `/organizations/${organization}/guardians`;
    return eachOnce(readers).map((one) => {
      const page = `${origin()}${one.as === "verifier" ? work : pages[one.as]}`;
      return alerts.insertion(partition, guardianMail(one, { ...about, as: one.as, page }));
    });
  }

  async function near(partition: string, except: string): Promise<readonly Reader[]> {
    const all = await patientAndGuardians(deps, partition);
    return all.filter(({ account }) => account !== except);
  }

  async function person(account: string): Promise<readonly Reader[]> {
    const known = (await accounts.find(account))?.account;
    return known === undefined ? [] : [{ email: known.email, language: known.language, as: "person" }];
  }

  async function verifiers(organization: string): Promise<readonly Reader[]> {
    const found =
      organization === ""
        ? await membersWith(deps, STAFF, ["privacy_officer"])
        : await membersWith(deps, organization, ["owner", "administrator"]);
    return found.map((one) => ({ ...one, as: "verifier" }));
  }

  return {
    async asked({ id, partition, organization, expireTime, particulars }) {
      const readers = [...(await verifiers(organization)), ...(await near(partition, particulars.account))];
      return mails({ event: "asked", id, expireTime }, organization, partition, readers);
    },
    async decided({ id, partition, state, organization, particulars: { account } }) {
      const readers = [...(await person(account))];
      const event = state === "confirmed" ? "confirmed" : "refused";
      if (event === "confirmed") readers.push(...(await near(partition, account)));
      return mails({ event, id }, organization, partition, readers);
    },
    async changed(before, after) {
      const event = eventOf(before, after);
      const { id, partition, particulars } = after;
      if (event === undefined || particulars.account === undefined) return [];
      const readers = [
        ...(await person(particulars.account)),
        ...(await near(partition, particulars.account)),
        // Who verifies knows what they decided themselves.
        ...(after.disputeTime === undefined ? [] : await verifiers("")),
      ];
      return mails({ event, id }, "", partition, readers);
    },
    kick: () => alerts.kick(),
  };
}

function eventOf(before: Delegation, { kind, state, disputeTime }: Delegation): GuardianEvent | undefined {
  if (kind !== "guardian") return undefined;
  if (state === before.state && disputeTime === before.disputeTime) return undefined;
  if (state === "disputed") return "disputed";
  if (state === "blocked" || state === "ended") return "over";
  return state === "active" && before.state !== "offered" ? "restored" : undefined;
}
