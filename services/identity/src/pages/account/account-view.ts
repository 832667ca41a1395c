import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type Account,
  type ActingOption,
  ActingOption_Kind,
  type Passkey,
  type Session,
} from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { roleName } from "../roles.ts";
import { timeText } from "../times.ts";
import type { View } from "../view.ts";

/** What pages show of an account: texts, in the reader's language. */
export interface ShownAccount {
  readonly name: string;
  readonly language: string;
  readonly email: string;
  readonly etag: string;
  readonly patient: string | undefined;
  readonly totp: boolean;
  readonly recoveryCodes: number;
  readonly recovery: ShownRecovery | undefined;
}

export interface ShownRecovery {
  readonly ready: string;
  readonly end: string;
}

export interface ShownPasskey {
  readonly id: string;
  readonly name: string;
  readonly added: string;
  readonly used: string | undefined;
  readonly synced: boolean;
}

export interface ShownSession {
  readonly id: string;
  readonly since: string;
  readonly used: string;
  readonly byCode: boolean;
  readonly current: boolean;
}

export function msOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1_000_000);
}

export function shownAccount(view: View, account: Account): ShownAccount {
  const { recovery, patient } = account;
  const text = (time: Timestamp | undefined) => timeText(view, msOf(time));
  return {
    name: account.displayName,
    language: account.language,
    email: account.email,
    etag: account.etag,
    patient: patient === "" ? undefined : patient,
    totp: account.totp,
    recoveryCodes: account.recoveryCodes,
    recovery: recovery && { ready: text(recovery.readyTime), end: text(recovery.expireTime) },
  };
}

export function shownPasskey(view: View, passkey: Passkey): ShownPasskey {
  return {
    id: passkey.id,
    name: passkey.displayName,
    added: timeText(view, msOf(passkey.createTime)),
    used: passkey.lastUseTime && timeText(view, msOf(passkey.lastUseTime)),
    synced: passkey.synced,
  };
}

export function shownSession(view: View, session: Session): ShownSession {
  return {
    id: session.id,
    since: timeText(view, msOf(session.createTime)),
    used: timeText(view, msOf(session.lastUseTime)),
    byCode: session.assurance === Assurance.CODE,
    current: session.current,
  };
}

/** The ways to act besides the account itself. */
export function shownActing({ words }: View, options: readonly ActingOption[]): readonly string[] {
  const { kinds } = words;
  const rolesText = (roles: readonly string[]) => roles.map((one) => roleName(words, one)).join(", ");
  return options.flatMap(({ kind, displayName, roles }) => {
    switch (kind) {
      case ActingOption_Kind.PATIENT:
        return [kinds.patient];
      case ActingOption_Kind.CARER:
        return [kinds.carer(displayName)];
      case ActingOption_Kind.GUARDIAN:
        return [kinds.guardian(displayName)];
      case ActingOption_Kind.REPRESENTATIVE:
        return [kinds.representative(displayName)];
      case ActingOption_Kind.MEMBER:
        return [kinds.member(displayName, rolesText(roles))];
      case ActingOption_Kind.STAFF:
        return [kinds.staff(rolesText(roles))];
      default:
        return [];
    }
  });
}
