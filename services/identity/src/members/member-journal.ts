import type { Entry, Fact } from "@wellapi/journal";
import type { Role } from "@wellapi/rpc";
import { INSTALLATION } from "../collections.ts";
import type { Invitation } from "./invitation.ts";
import type { Member } from "./member.ts";

/** The journal's fact for a membership as it is now: a restore must give nobody a role back that was taken. */
export function roleChangeOf({ body, account, version, roles, updateTime }: Member): Fact {
  const subject = [`${body}/${account}`, version, ...roles].join(".");
  return { kind: "member_changed", partition: INSTALLATION, subject, time: updateTime };
}

/** The journal's fact for an invitation that was used or taken back: its code must not work again. */
export function endOfInvitation({ id, endTime = 0 }: Pick<Invitation, "id" | "endTime">): Fact {
  return { kind: "invitation_ended", partition: INSTALLATION, subject: id, time: endTime };
}

/** The membership in an entry; undefined for entries of other kinds. */
export function toldMember({
  kind,
  subject,
}: Entry): Pick<Member, "body" | "account" | "version" | "roles"> | undefined {
  if (kind !== "member_changed") return undefined;
  const [place = "", version, ...roles] = subject.split(".");
  const [body = "", account = ""] = place.split("/");
  return { body, account, version: Number(version), roles: roles as Role[] };
}
