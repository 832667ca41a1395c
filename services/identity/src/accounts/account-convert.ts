import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AccountSchema,
  ActingOption_Kind,
  type ActingOptionSchema,
  type PasskeySchema,
  type RecoverySchema,
  type SessionSchema,
  type SignedInSchema,
} from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { Assurance } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { assurances, type Role } from "@wellapi/rpc";
import type { DelegationKind } from "../sessions/acting.ts";
import { assuranceAt, type Session } from "../sessions/session.ts";
import { type Passkey, type Recovery, recoveryAt } from "./account.ts";
import type { SignedIn } from "./account-changes.ts";
import type { StoredAccount } from "./account-repository.ts";

/** `patient`: by the id that the patient itself sees. */
export function toAccountMessage(
  { account, etag }: StoredAccount,
  patient: string,
  now: number,
): MessageInitShape<typeof AccountSchema> {
  const { id, displayName, language, email, createTime, totp, recoveryCodes } = account;
  const recovery = recoveryAt(account, now);
  return {
    id,
    displayName,
    language,
    email,
    createTime: timestampFromMs(createTime),
    totp: totp !== undefined,
    recoveryCodes: recoveryCodes.length,
    ...(recovery && { recovery: toRecoveryMessage(recovery) }),
    patient,
    etag,
  };
}

export function toRecoveryMessage(recovery: Recovery): MessageInitShape<typeof RecoverySchema> {
  return {
    createTime: timestampFromMs(recovery.createTime),
    readyTime: timestampFromMs(recovery.readyTime),
    expireTime: timestampFromMs(recovery.expireTime),
  };
}

export function toPasskeyMessage(passkey: Passkey): MessageInitShape<typeof PasskeySchema> {
  const { id, displayName, createTime, lastUseTime, synced } = passkey;
  return {
    id,
    displayName,
    createTime: timestampFromMs(createTime),
    lastUseTime: timestampFromMs(lastUseTime),
    synced,
  };
}

/** `current`: id of the session that asks. */
export function toSessionMessage(
  session: Session,
  now: number,
  current: string | undefined,
): MessageInitShape<typeof SessionSchema> {
  const { id, createTime, lastUseTime, expireTime, freshUntil } = session;
  const assurance = assurances.indexOf(assuranceAt(session, now)) + Assurance.CODE;
  return {
    id,
    createTime: timestampFromMs(createTime),
    lastUseTime: timestampFromMs(lastUseTime),
    expireTime: timestampFromMs(expireTime),
    assurance,
    ...(freshUntil === undefined ? {} : { freshUntil: timestampFromMs(freshUntil) }),
    current: id === current,
  };
}

export function toSignedInMessage(
  { session, credential }: SignedIn,
  now: number,
): MessageInitShape<typeof SignedInSchema> {
  return {
    sessionSecret: credential,
    session: toSessionMessage(session, now, session.id),
    account: session.account,
  };
}

const actingKinds = {
  account: ActingOption_Kind.ACCOUNT,
  patient: ActingOption_Kind.PATIENT,
  carer: ActingOption_Kind.CARER,
  guardian: ActingOption_Kind.GUARDIAN,
  representative: ActingOption_Kind.REPRESENTATIVE,
  member: ActingOption_Kind.MEMBER,
  staff: ActingOption_Kind.STAFF,
} as const satisfies Record<DelegationKind | "account" | "patient" | "member" | "staff", ActingOption_Kind>;

export function toActingOptionMessage(option: {
  readonly kind: keyof typeof actingKinds;
  readonly actingAs: string;
  readonly displayName?: string;
  readonly roles?: readonly Role[];
}): MessageInitShape<typeof ActingOptionSchema> {
  const { kind, actingAs, displayName = "", roles = [] } = option;
  return { kind: actingKinds[kind], actingAs, displayName, roles: [...roles] };
}
