import { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Caller, Role as RoleName } from "@wellapi/rpc";
import { type Installation, operator } from "./installation.ts";

/** A signed-in person in their own right. */
export function person(account: string): Caller {
  return {
    principal: { kind: "person", id: account, credential: "ses_1", assurance: "passkey" },
    workload: "gateway",
    token: "",
  };
}

/** A signed-in person who acts as a member. */
export function member(account: string, organization: string, ...roles: RoleName[]): Caller {
  const session = { id: account, credential: "ses_1", assurance: "passkey" } as const;
  return {
    principal: { kind: "member", ...session, organization, roles },
    workload: "gateway",
    token: "",
  };
}

/** A signed-in person who acts as one of the installation's staff. */
export function staff(account: string, ...roles: RoleName[]): Caller {
  const session = { id: account, credential: "ses_1", assurance: "fresh" } as const;
  return { principal: { kind: "operator", ...session, roles }, workload: "gateway", token: "" };
}

/** The code in the last mail to the address. */
export function codeTo({ mailbox }: Installation, email: string): string {
  const mail = mailbox.mails.findLast(({ to }) => to === email);
  const code = /https:\/\/wellapi\.example\/invitations#(\S+)/.exec(mail?.text ?? "")?.[1];
  if (code === undefined) throw new Error(`no invitation was mailed to ${email}`);
  return code;
}

let asked = 0;

/** Invites the account by its own address, and accepts. */
export async function join(
  installation: Installation,
  organization: string,
  account: string,
  ...roles: Role[]
): Promise<void> {
  const email = `${account}@clinic.example`;
  const request = { organization, email, roles, requestId: `join ${asked++}` };
  await installation.as(operator).members.inviteMember(request);
  await installation.as(person(account)).members.acceptInvitation({ code: codeTo(installation, email) });
}

/** An organization with an owner, `usr_owner`. */
export async function createOwned(installation: Installation, displayName = "Heart Clinic"): Promise<string> {
  const { organization } = await installation.as(operator).organizations.createOrganization({
    organization: { displayName },
    requestId: displayName,
  });
  await join(installation, organization!.id, "usr_owner", Role.OWNER);
  return organization!.id;
}
