import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccountSchema } from "@wellapi/gen/wellapi/identity/v1/account_pb";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { maskedFields } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Pairwise } from "@wellapi/vault";
import { invalidField } from "../errors.ts";
import { recoveryMail } from "../mail/texts.ts";
import type { SignUp } from "../organizations/sign-up.ts";
import { digestOf, newSecret } from "../secret.ts";
import type { ActingLookups } from "../sessions/acting.ts";
import { hasEnded } from "../sessions/session.ts";
import type { SessionRepository } from "../sessions/session-repository.ts";
import { toAddress } from "../sign-in/email.ts";
import type { FlowRepository } from "../sign-in/flow-repository.ts";
import type { Codes } from "../sign-in/sign-in-handlers.ts";
import { type Account, RECOVERY_OPEN, RECOVERY_WAIT, recoveryAt, toLanguage } from "./account.ts";
import type { WhoAsks, WhoIs } from "./account-caller-convert.ts";
import type { AccountChanges } from "./account-changes.ts";
import {
  toAccountMessage,
  toActingOptionMessage,
  toRecoveryMessage,
  toSessionMessage,
} from "./account-convert.ts";
import { flowInvalid } from "./account-errors.ts";
import type { StoredAccount } from "./account-repository.ts";
import { createStepUpHandlers, type StepUpDeps } from "./step-up-handlers.ts";
import { createWayInHandlers } from "./way-in-handlers.ts";

export interface AccountDeps extends StepUpDeps {
  readonly whoAsks: WhoAsks;
  readonly whoIs: WhoIs;
  readonly changes: AccountChanges;
  readonly sessions: SessionRepository;
  readonly flows: FlowRepository;
  readonly codes: Codes;
  readonly lookups: ActingLookups;
  readonly signUp: Pick<SignUp, "left">;
  readonly sandbox: boolean;
  readonly pairwise: Pairwise;
  readonly origin: () => string;
  readonly clock: Clock;
  readonly ids: Ids;
}

type Handlers = ServiceImpl<typeof AccountService>;
const { method } = AccountService;

export function createAccountHandlers(deps: AccountDeps): Handlers {
  return {
    ...ownHandlers(deps),
    ...emailHandlers(deps),
    ...sessionHandlers(deps),
    ...recoveryHandlers(deps),
    ...createWayInHandlers(deps),
    ...createStepUpHandlers(deps),
  };
}

function messageOf({ pairwise, clock }: AccountDeps, stored: StoredAccount) {
  const { patient } = stored.account;
  const own = patient === undefined ? "" : pairwise.outward("installation", patient);
  return toAccountMessage(stored, own, clock.now());
}

function ownHandlers(
  deps: AccountDeps,
): Pick<Handlers, "getAccount" | "updateAccount" | "listActingOptions"> {
  const { whoAsks, whoIs, changes, lookups, signUp, sandbox, pairwise } = deps;
  return {
    async getAccount(_request, context) {
      return { account: messageOf(deps, await whoIs(context, method.getAccount)) };
    },
    async updateAccount({ account: asked, updateMask }, context) {
      const { account, call } = await whoAsks(context, method.updateAccount);
      const fields = maskedFields(AccountSchema, asked, updateMask);
      const displayName = asked?.displayName ?? "";
      if (fields.has("display_name") && displayName === "") {
        throw invalidField("account.display_name", "a name is needed");
      }
      const changed = await changes.apply(account.id, {
        call,
        etag: asked?.etag ?? "",
        change: (current) => ({
          ...current,
          ...(fields.has("display_name") && { displayName }),
          ...(fields.has("language") && { language: toLanguage(asked?.language ?? "") }),
        }),
      });
      return { account: messageOf(deps, changed) };
    },
    async listActingOptions(_request, context) {
      const { account } = await whoIs(context, method.listActingOptions);
      const { id, patient, displayName } = account;
      const [memberships, staffRoles, delegations, organizationsLeft] = await Promise.all([
        lookups.memberships(id),
        lookups.staffRoles(id),
        lookups.delegations(id),
        signUp.left(id),
      ]);
      const outward = (internal: string) => pairwise.outward("installation", internal);
      const options = [
        { kind: "account", actingAs: "account" } as const,
        ...(patient === undefined
          ? []
          : [{ kind: "patient", actingAs: outward(patient), displayName } as const]),
        ...delegations.map((one) => ({ ...one, actingAs: outward(one.id) })),
        ...memberships.map((one) => ({ ...one, kind: "member", actingAs: one.organization }) as const),
        ...(staffRoles.length === 0
          ? []
          : [{ kind: "staff", actingAs: "staff", roles: staffRoles } as const]),
      ];
      return { options: options.map(toActingOptionMessage), organizationsLeft, sandbox };
    },
  };
}

function emailHandlers(deps: AccountDeps): Pick<Handlers, "beginEmailChange" | "finishEmailChange"> {
  const { whoAsks, changes, codes, flows } = deps;
  return {
    async beginEmailChange({ email }, context) {
      const { account, session } = await whoAsks(context, method.beginEmailChange);
      const content = {
        email: toAddress(email),
        language: account.language,
        account: account.id,
        session: session.id,
      };
      const { flow, expireTime } = await codes.send("email_change", content);
      return { flow, expireTime: timestampFromMs(expireTime) };
    },
    async finishEmailChange({ flow, code }, context) {
      const { account, session, call } = await whoAsks(context, method.finishEmailChange);
      const begun = await flows.look(flow, "email_change");
      // Before the code is tried: another session must not use its tries up.
      if (begun.session !== session.id) throw flowInvalid();
      const { email = "" } = await codes.verify(flow, "email_change", code, () => {});
      const changed = await changes.apply(account.id, {
        call,
        change: (current) => ({ ...current, email }),
        ends: ({ id }) => id !== session.id,
        alert: "email_changed",
      });
      return { account: messageOf(deps, changed) };
    },
  };
}

function sessionHandlers(deps: AccountDeps): Pick<Handlers, "listSessions" | "endSessions"> {
  const { whoIs, changes, sessions, clock } = deps;
  return {
    async listSessions(_request, context) {
      const { account, session } = await whoIs(context, method.listSessions);
      const now = clock.now();
      const open = (await sessions.list(account.id)).filter((one) => !hasEnded(one, now, "patient"));
      return { sessions: open.map((one) => toSessionMessage(one, now, session?.id)) };
    },
    async endSessions({ sessions: named, others, current }, context) {
      const { account, session, call } = await whoIs(context, method.endSessions);
      const ids = new Set(named);
      const { ended } = await changes.apply(account.id, {
        call,
        ends: ({ id }) => ids.has(id) || (id === session?.id ? current : others),
      });
      return { ended: ended.length };
    },
  };
}

function recoveryHandlers(deps: AccountDeps): Pick<Handlers, "startRecovery" | "cancelRecovery"> {
  const { whoAsks, changes, origin, clock } = deps;
  return {
    async startRecovery(_request, context) {
      const { account, call } = await whoAsks(context, method.startRecovery);
      const now = clock.now();
      const known = recoveryAt(account, now);
      if (known !== undefined) return { recovery: toRecoveryMessage(known) };
      const secret = newSecret();
      const readyTime = now + RECOVERY_WAIT;
      const asked = {
        createTime: now,
        readyTime,
        expireTime: readyTime + RECOVERY_OPEN,
        stopDigest: digestOf(secret),
      };
      const changed = await changes.apply(account.id, {
        call,
        change: (current) =>
          recoveryAt(current, now) === undefined ? { ...current, recovery: asked } : current,
        mail: (current) =>
          current.recovery === asked ? [recoveryMail(current, `${current.id}.${secret}`, origin())] : [],
      });
      return { recovery: toRecoveryMessage(changed.account.recovery!) };
    },
    async cancelRecovery(_request, context) {
      const { account, call } = await whoAsks(context, method.cancelRecovery);
      await changes.apply(account.id, { call, change: withoutRecovery });
      return {};
    },
  };
}

function withoutRecovery({ recovery: _, ...account }: Account): Account {
  return account;
}
