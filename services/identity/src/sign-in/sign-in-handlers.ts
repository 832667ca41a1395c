import { randomInt } from "node:crypto";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { SignInService } from "@wellapi/gen/wellapi/identity/v1/sign_in_service_pb";
import { callerKey } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import { type Account, toLanguage } from "../accounts/account.ts";
import type { AccountCall } from "../accounts/account-accesses.ts";
import type { AccountChanges } from "../accounts/account-changes.ts";
import { toSignedInMessage } from "../accounts/account-convert.ts";
import { emailInUse, flowInvalid, passkeyRefused } from "../accounts/account-errors.ts";
import type { AccountRepository } from "../accounts/account-repository.ts";
import type { Mailer } from "../mail/mailer.ts";
import { codeMail } from "../mail/texts.ts";
import { checkTimeZones } from "../patients/time-zone.ts";
import { digestOf, sameText } from "../secret.ts";
import type { CodeLimits } from "./code-limits.ts";
import { toAddress } from "./email.ts";
import type { FlowContent, FlowKind } from "./flow.ts";
import type { Begun, FlowRepository } from "./flow-repository.ts";
import type { EnsureOwnPatient } from "./own-patient.ts";
import { verifyUse } from "./passkey-use.ts";
import type { Passkeys } from "./passkeys.ts";
import type { Refusals } from "./refusals.ts";

export interface SignInDeps {
  readonly accounts: AccountRepository;
  readonly changes: AccountChanges;
  readonly flows: FlowRepository;
  readonly codeLimits: CodeLimits;
  readonly codes: Codes;
  readonly passkeys: Passkeys;
  readonly refusals: Refusals;
  readonly ensureOwnPatient: EnsureOwnPatient;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Codes of six digits, by e-mail. */
export interface Codes {
  /** Throws `codes_limited` and what the mailer throws. */
  send(kind: FlowKind, content: FlowContent & { readonly email: string }): Promise<Begun>;
  /** As `FlowRepository.tryCode`. */
  verify(
    flow: string,
    kind: FlowKind,
    code: string,
    wrong: (content: FlowContent, left: number) => void,
  ): Promise<FlowContent>;
}

export function createCodes(deps: {
  readonly flows: FlowRepository;
  readonly codeLimits: CodeLimits;
  readonly mailer: Mailer;
  readonly macOfEmail: (email: string) => string;
  readonly macOfCode: (text: string) => string;
}): Codes {
  const { flows, codeLimits, mailer, macOfEmail, macOfCode } = deps;
  const macOf = (flow: string, code: string) => macOfCode(JSON.stringify([digestOf(flow), code]));
  return {
    async send(kind, content) {
      await codeLimits.take(macOfEmail(content.email));
      const code = String(randomInt(1_000_000)).padStart(6, "0");
      const begun = await flows.begin(kind, content);
      await flows.amend(begun.flow, kind, (one) => ({ ...one, codeMac: macOf(begun.flow, code) }));
      await mailer.send(codeMail({ email: content.email, language: content.language ?? "en" }, code));
      return begun;
    },
    verify: (flow, kind, code, wrong) =>
      flows.tryCode(flow, kind, (own) => macOf(own, code.replace(/\s/g, "")), wrong),
  };
}

const { method } = SignInService;

function callBy(context: HandlerContext, of: AccountCall["method"]): AccountCall {
  return { method: of, workload: context.values.get(callerKey).workload };
}

export function createSignInHandlers(deps: SignInDeps): ServiceImpl<typeof SignInService> {
  return { ...codeHandlers(deps), ...registrationHandlers(deps), ...passkeyHandlers(deps) };
}

function codeHandlers(
  deps: SignInDeps,
): Pick<ServiceImpl<typeof SignInService>, "sendCode" | "verifyCode" | "stopRecovery"> {
  const { accounts, changes, codes, flows, refusals, ensureOwnPatient, clock } = deps;
  return {
    async sendCode({ email, language }) {
      const content = { email: toAddress(email), language: toLanguage(language) };
      const { flow, expireTime } = await codes.send("code", content);
      return { flow, expireTime: timestampFromMs(expireTime) };
    },
    async verifyCode({ flow, code }, context) {
      const call = callBy(context, method.verifyCode);
      const { email = "", language = "en" } = await codes.verify(flow, "code", code, (content, left) =>
        refusals.refusedLater(content.email!, call, "CODE_WRONG", left === 0 ? "codes_guessed" : undefined),
      );
      const found = await accounts.findByEmail(email);
      if (found === undefined) {
        const begun = await flows.begin("verified_address", { email, language });
        const expireTime = timestampFromMs(begun.expireTime);
        return { outcome: { case: "verifiedAddress", value: { flow: begun.flow, expireTime } } };
      }
      const { id } = found.account;
      const signedIn = await changes.signIn(id, { call, signIn: { assurance: "code", fresh: false } });
      await ensureOwnPatient(signedIn.account, call.method, call.workload);
      return { outcome: { case: "signedIn", value: toSignedInMessage(signedIn, clock.now()) } };
    },
    async stopRecovery({ stop }, context) {
      const [id = "", secret = ""] = stop.split(".");
      const found = await accounts.find(id);
      const { recovery } = found?.account ?? {};
      if (recovery === undefined || !sameText(recovery.stopDigest, digestOf(secret))) return {};
      const call = callBy(context, method.stopRecovery);
      await changes.apply(id, { call, change: ({ recovery: _, ...account }) => account });
      return {};
    },
  };
}

function registrationHandlers(
  deps: SignInDeps,
): Pick<ServiceImpl<typeof SignInService>, "beginRegistration" | "finishRegistration"> {
  const { accounts, changes, flows, passkeys, ensureOwnPatient, clock, ids } = deps;
  return {
    async beginRegistration({ flow, displayName }) {
      const { email = "" } = await flows.look(flow, "verified_address");
      const account = ids.next("usr");
      const named = { id: account, email, displayName, passkeys: [] };
      const { challenge, options } = await passkeys.forNew(named);
      await flows.amend(flow, "verified_address", (content) => ({ ...content, account, challenge }));
      return { options };
    },
    async finishRegistration(request, context) {
      const { flow, displayName, passkey, timeZone: given, withoutPatient } = request;
      const call = callBy(context, method.finishRegistration);
      const timeZone = given === "" ? "UTC" : given;
      checkTimeZones([{ timeZone }], "time_zone");
      const { email = "", account, challenge, language = "en" } = await flows.look(flow, "verified_address");
      if (await accounts.findByEmail(email)) throw emailInUse();
      const time = clock.now();
      const label = request.language.startsWith("de") ? "Mein erster Passkey" : "My first passkey";
      const added =
        passkey === ""
          ? []
          : [await passkeys.verifyNew(passkey, challenge ?? "", { id: ids.next("psk"), time, label })];
      await flows.take(flow, "verified_address");
      const made: Account = {
        id: account ?? ids.next("usr"),
        createTime: time,
        updateTime: time,
        email,
        displayName,
        language: request.language === "" ? language : toLanguage(request.language),
        timeZone,
        ...(!withoutPatient && { patient: ids.next("pat") }),
        passkeys: added,
        recoveryCodes: [],
      };
      const strong = added.length > 0;
      const assurance = strong ? "passkey" : "code";
      const signedIn = await changes.create(made, call, { assurance, fresh: strong, registered: true });
      await ensureOwnPatient(made, call.method, call.workload);
      return { signedIn: toSignedInMessage(signedIn, clock.now()) };
    },
  };
}

function passkeyHandlers(
  deps: SignInDeps,
): Pick<ServiceImpl<typeof SignInService>, "beginSignIn" | "finishSignIn"> {
  const { accounts, changes, flows, passkeys, refusals, ensureOwnPatient, clock } = deps;
  return {
    async beginSignIn() {
      const { challenge, options } = await passkeys.forSignIn();
      const { flow, expireTime } = await flows.begin("sign_in", { challenge });
      return { flow, options, expireTime: timestampFromMs(expireTime) };
    },
    async finishSignIn({ flow, passkey: json }, context) {
      const call = callBy(context, method.finishSignIn);
      const { challenge } = await flows.take(flow, "sign_in");
      if (challenge === undefined) throw flowInvalid();
      const { account: claimed } = passkeys.claimOf(json);
      const found = claimed === undefined ? undefined : await accounts.find(claimed);
      if (found === undefined) throw passkeyRefused();
      const now = clock.now();
      const change = await verifyUse({ passkeys, refusals, now }, found.account, { json, challenge }, call);
      const signIn = { assurance: "passkey", fresh: true } as const;
      const signedIn = await changes.signIn(found.account.id, { call, signIn, change });
      await ensureOwnPatient(signedIn.account, call.method, call.workload);
      return { signedIn: toSignedInMessage(signedIn, clock.now()) };
    },
  };
}
