import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { notFound } from "../errors.ts";
import { newRecoveryCodes, newTotpSecret, totpStep, totpUri } from "../sign-in/second-factors.ts";
import { type Account, MOST_PASSKEYS, type Passkey } from "./account.ts";
import { type AddsBy, mayAddWayIn } from "./account-caller-convert.ts";
import { toPasskeyMessage, toSignedInMessage } from "./account-convert.ts";
import { flowInvalid, lastWayIn, secondFactorWrong, tooManyPasskeys } from "./account-errors.ts";
import type { AccountDeps } from "./account-handlers.ts";
import { recoveryCodeMac } from "./step-up-handlers.ts";

type Handlers = ServiceImpl<typeof AccountService>;
const { method } = AccountService;

/** Passkeys, authenticator app and recovery codes: the ways into an account. */
export function createWayInHandlers(deps: AccountDeps) {
  return { ...passkeyHandlers(deps), ...totpHandlers(deps), ...recoveryCodeHandlers(deps) };
}

/** After a recovery nothing of before opens the account. */
function recovered(account: Account, by: AddsBy): Account {
  if (by !== "recovery") return account;
  const { totp: _, recovery: __, ...rest } = account;
  return { ...rest, passkeys: [], recoveryCodes: [] };
}

function passkeyHandlers(
  deps: AccountDeps,
): Pick<Handlers, "listPasskeys" | "beginPasskey" | "finishPasskey" | "removePasskey"> {
  const { whoAsks, changes, flows, passkeys, clock, ids } = deps;
  return {
    async listPasskeys(_request, context) {
      const { account } = await whoAsks(context, method.listPasskeys);
      return { passkeys: account.passkeys.map(toPasskeyMessage) };
    },
    async beginPasskey(_request, context) {
      const { account, session } = await whoAsks(context, method.beginPasskey);
      mayAddWayIn(account, session, clock.now());
      const { challenge, options } = await passkeys.forNew(account);
      const { flow, expireTime } = await flows.begin("passkey", { challenge, session: session.id });
      return { flow, options, expireTime: timestampFromMs(expireTime) };
    },
    async finishPasskey({ flow, passkey: json, displayName }, context) {
      const { account, session, call } = await whoAsks(context, method.finishPasskey);
      const { challenge = "", session: began } = await flows.take(flow, "passkey");
      if (began !== session.id) throw flowInvalid();
      const time = clock.now();
      const by = mayAddWayIn(account, session, time);
      const label = displayName || "Passkey";
      const added: Passkey = await passkeys.verifyNew(json, challenge, { id: ids.next("psk"), time, label });
      const signedIn = await changes.signIn(account.id, {
        call,
        change(current) {
          mayAddWayIn(current, session, time);
          const before = recovered(current, by);
          if (before.passkeys.length >= MOST_PASSKEYS) throw tooManyPasskeys(MOST_PASSKEYS);
          return { ...before, passkeys: [...before.passkeys, added] };
        },
        signIn: { assurance: "passkey", fresh: true, replaces: session },
        ends: () => true,
        alert: by === "recovery" ? "recovered" : "passkey_added",
      });
      return { passkey: toPasskeyMessage(added), signedIn: toSignedInMessage(signedIn, clock.now()) };
    },
    async removePasskey({ passkey }, context) {
      const { account, session, call } = await whoAsks(context, method.removePasskey);
      await changes.apply(account.id, {
        call,
        change(current) {
          const stay = current.passkeys.filter(({ id }) => id !== passkey);
          if (stay.length === current.passkeys.length) throw notFound("passkey");
          if (stay.length === 0 && current.totp === undefined) throw lastWayIn();
          return { ...current, passkeys: stay };
        },
        ends: ({ id }) => id !== session.id,
        alert: "passkey_removed",
      });
      return {};
    },
  };
}

function totpHandlers(deps: AccountDeps): Pick<Handlers, "beginTotp" | "finishTotp" | "removeTotp"> {
  const { whoAsks, changes, flows, clock } = deps;
  return {
    async beginTotp(_request, context) {
      const { account, session } = await whoAsks(context, method.beginTotp);
      mayAddWayIn(account, session, clock.now());
      const secret = newTotpSecret();
      const { flow, expireTime } = await flows.begin("totp", { totpSecret: secret, session: session.id });
      return { flow, secret, uri: totpUri(secret, account.email), expireTime: timestampFromMs(expireTime) };
    },
    async finishTotp({ flow, code }, context) {
      const { account, session, call } = await whoAsks(context, method.finishTotp);
      const { totpSecret: secret = "", session: began } = await flows.look(flow, "totp");
      if (began !== session.id) throw flowInvalid();
      const now = clock.now();
      const by = mayAddWayIn(account, session, now);
      // The caller has the secret: a mistyped code need not begin again.
      const lastStep = totpStep(secret, code.replace(/\s/g, ""), now, -1);
      if (lastStep === undefined) throw secondFactorWrong();
      await flows.take(flow, "totp");
      const signedIn = await changes.signIn(account.id, {
        call,
        change(current) {
          mayAddWayIn(current, session, now);
          return { ...recovered(current, by), totp: { secret, lastStep } };
        },
        signIn: { assurance: "passkey", fresh: true, replaces: session },
        ends: () => true,
        alert: by === "recovery" ? "recovered" : "totp_added",
      });
      return { signedIn: toSignedInMessage(signedIn, clock.now()) };
    },
    async removeTotp(_request, context) {
      const { account, session, call } = await whoAsks(context, method.removeTotp);
      if (account.totp === undefined) return {};
      await changes.apply(account.id, {
        call,
        change({ totp: _, ...current }) {
          if (current.passkeys.length === 0) throw lastWayIn();
          return current;
        },
        ends: ({ id }) => id !== session.id,
        alert: "totp_removed",
      });
      return {};
    },
  };
}

function recoveryCodeHandlers(deps: AccountDeps): Pick<Handlers, "createRecoveryCodes"> {
  const { whoAsks, changes, macOfRecoveryCode } = deps;
  return {
    async createRecoveryCodes(_request, context) {
      const { account, call } = await whoAsks(context, method.createRecoveryCodes);
      const codes = newRecoveryCodes();
      const macs = codes.map((code) => recoveryCodeMac(macOfRecoveryCode, account.id, code));
      await changes.apply(account.id, {
        call,
        change: (current) => ({ ...current, recoveryCodes: macs }),
        alert: "recovery_codes_made",
      });
      return { codes: [...codes] };
    },
  };
}
