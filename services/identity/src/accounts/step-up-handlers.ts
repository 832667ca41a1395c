import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import type { Clock } from "@wellapi/runtime";
import { sameText } from "../secret.ts";
import type { FlowRepository } from "../sign-in/flow-repository.ts";
import { verifyUse } from "../sign-in/passkey-use.ts";
import type { Passkeys } from "../sign-in/passkeys.ts";
import type { Refusals } from "../sign-in/refusals.ts";
import { toRecoveryCode, totpStep } from "../sign-in/second-factors.ts";
import { type Account, withGuess } from "./account.ts";
import type { AccountCall } from "./account-accesses.ts";
import type { Asking, WhoAsks } from "./account-caller-convert.ts";
import type { AccountChange, AccountChanges } from "./account-changes.ts";
import { toSignedInMessage } from "./account-convert.ts";
import { flowInvalid, guessesLimited, secondFactorWrong } from "./account-errors.ts";
import type { AccountRepository } from "./account-repository.ts";

export interface StepUpDeps {
  readonly whoAsks: WhoAsks;
  readonly accounts: AccountRepository;
  readonly changes: AccountChanges;
  readonly flows: FlowRepository;
  readonly passkeys: Passkeys;
  readonly refusals: Refusals;
  /** Under a secret of the installation: the codes have 50 bits. */
  readonly macOfRecoveryCode: (text: string) => string;
  readonly clock: Clock;
}

export function recoveryCodeMac(macOf: (text: string) => string, account: string, code: string): string {
  return macOf(JSON.stringify([account, code]));
}

type Handlers = ServiceImpl<typeof AccountService>;
const { method } = AccountService;

export function createStepUpHandlers(deps: StepUpDeps): Pick<Handlers, "beginStepUp" | "finishStepUp"> {
  const { whoAsks, changes, flows, passkeys, refusals, clock } = deps;
  return {
    async beginStepUp(_request, context) {
      const { account, session } = await whoAsks(context, method.beginStepUp);
      const has = account.passkeys.length > 0;
      const asked = has ? await passkeys.forSignIn(account.passkeys) : undefined;
      const { flow, expireTime } = await flows.begin("step_up", {
        session: session.id,
        ...(asked && { challenge: asked.challenge }),
      });
      return {
        flow,
        options: asked?.options ?? "",
        totp: account.totp !== undefined,
        recoveryCode: account.recoveryCodes.length > 0,
        expireTime: timestampFromMs(expireTime),
      };
    },
    async finishStepUp({ flow, proof }, context) {
      const asking = await whoAsks(context, method.finishStepUp);
      const { account, session, call } = asking;
      const { challenge = "", session: began } = await flows.take(flow, "step_up");
      if (began !== session.id) throw flowInvalid();
      const proved =
        proof.case === "passkey"
          ? {
              change: await verifyUse(
                { passkeys, refusals, now: clock.now() },
                account,
                { json: proof.value, challenge },
                call,
              ),
            }
          : await guess(deps, asking, proof.case === "totp" ? "totp" : "recovery", proof.value ?? "");
      const signedIn = await changes.signIn(account.id, {
        call,
        ...proved,
        signIn: { assurance: "passkey", fresh: true, replaces: session },
        ends: ({ id }) => id === session.id,
      });
      return { signedIn: toSignedInMessage(signedIn, clock.now()) };
    },
  };
}

/** Something short that somebody typed: the guess is counted before it is judged. */
async function guess(
  deps: StepUpDeps,
  { account, call }: Asking,
  kind: "totp" | "recovery",
  typed: string,
): Promise<Pick<AccountChange, "change" | "alert">> {
  const { accounts, clock } = deps;
  await accounts.amend(account.id, (current) => {
    const counted = withGuess(current, clock.now());
    if (counted === undefined) throw guessesLimited();
    return { account: counted };
  });
  const use = kind === "totp" ? useTotp : useRecoveryCode;
  // Judged here for its entry, and again in the commit: each code is taken once.
  await judged(deps, account, call, () => use(deps, account, typed));
  return {
    change: ({ guesses: _, ...current }) => use(deps, current, typed),
    ...(kind === "recovery" && { alert: "recovery_code_used" as const }),
  };
}

async function judged(
  deps: StepUpDeps,
  account: Account,
  call: AccountCall,
  use: () => Account,
): Promise<void> {
  try {
    use();
  } catch (error) {
    await deps.refusals.refused(account, call, "CODE_WRONG");
    throw error;
  }
}

function useTotp({ clock }: StepUpDeps, account: Account, typed: string): Account {
  const { totp } = account;
  const step = totp && totpStep(totp.secret, typed.replace(/\s/g, ""), clock.now(), totp.lastStep);
  if (totp === undefined || step === undefined) throw secondFactorWrong();
  return { ...account, totp: { ...totp, lastStep: step } };
}

function useRecoveryCode({ macOfRecoveryCode }: StepUpDeps, account: Account, typed: string): Account {
  const mac = recoveryCodeMac(macOfRecoveryCode, account.id, toRecoveryCode(typed));
  const left = account.recoveryCodes.filter((known) => !sameText(known, mac));
  if (left.length === account.recoveryCodes.length) throw secondFactorWrong();
  return { ...account, recoveryCodes: left };
}
