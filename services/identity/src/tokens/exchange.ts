import { createHash } from "node:crypto";
import type { Principal } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import type { AccessTokenExchange } from "../access-tokens/access-token-exchange.ts";
import type { Presented } from "../access-tokens/possession.ts";
import { type KeyUse, useOfApiKey } from "../credentials/api-key.ts";
import type { CertificateAuthority } from "../credentials/certificate-authority.ts";
import type { Credential } from "../credentials/credential.ts";
import { standingOf } from "../credentials/credential.ts";
import type { CredentialRepository } from "../credentials/credential-repository.ts";
import type { LastUses } from "../credentials/last-uses.ts";
import { isWithin } from "../credentials/networks.ts";
import { refusedOf } from "../credentials/refused-holder.ts";
import { callerNotPermitted, credentialInvalid, organizationUnverified, testKeyRefused } from "../errors.ts";
import type { LimitRepository } from "../limits/limit-repository.ts";
import type { Rates } from "../limits/limits.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { CallerJudgement, CallerPolicies } from "../policies/caller-policies.ts";
import { digestOf } from "../secret.ts";
import { type ActingLookups, isDelegationKind } from "../sessions/acting.ts";
import type { SessionExchange } from "../sessions/session-exchange.ts";
import type { BearerClaims, BearerExchange } from "./bearer-exchange.ts";
import type { InternalClaims, SignedToken, TokenIssuer } from "./token.ts";

/** The credential that a caller presents. */
export type Shown =
  | { readonly kind: "certificate"; readonly der: Uint8Array }
  | { readonly kind: "api_key"; readonly key: string; readonly address: string }
  | { readonly kind: "bearer_token"; readonly token: string; readonly presented: Presented }
  | { readonly kind: "internal_token"; readonly token: string }
  | {
      readonly kind: "session";
      readonly credential: string;
      readonly actingAs: string;
      readonly recheck: boolean;
    }
  | { readonly kind: "workload" };

/** An internal token, and what its caller may spend at the doors. */
export interface Exchanged extends SignedToken {
  /** Undefined for a service, which has no budget. */
  readonly rates: Rates | undefined;
  /** For the next DPoP proof of the caller, where it needs another one. */
  readonly nonce?: string;
  /** Origins whose pages may read answers to the caller; none unless given. */
  readonly allowedOrigins?: readonly string[];
  /** The RPCs that a policy keeps from the caller. */
  readonly denied: CallerJudgement["denied"];
}

/** Exchanges what was shown to `workload` for an internal token that is bound to it. */
export interface CredentialExchange {
  /** `address`: of the caller; empty where it is not known. Throws `credential_invalid` or `caller_not_permitted`. */
  exchange(shown: Shown, workload: string, address: string): Promise<Exchanged>;
}

/** Represents a call that enters from outside. It never acts on its own behalf. */
const DOOR = "door";
/**
 * The workload where TLS from outside ends. A certificate is no secret, so from any other workload it is no credential. Beside
 * a token, which is one, the owner of a surface passes on what the gateway has told it.
 */
const EDGES: ReadonlySet<string> = new Set([DOOR, "gateway"]);
/** Milliseconds. */
const WORKLOAD_TOKEN_LIFETIME = 5 * 60_000;

export interface CredentialExchangeDeps {
  readonly authority: CertificateAuthority;
  readonly credentials: CredentialRepository;
  readonly lastUses: Pick<LastUses, "note">;
  readonly acting: Pick<ActingLookups, "findDelegation">;
  readonly organizations: OrganizationRepository;
  readonly limits: LimitRepository;
  readonly policies: CallerPolicies;
  readonly bearers: BearerExchange;
  readonly accessTokens: Pick<AccessTokenExchange, "again">;
  readonly tokens: TokenIssuer;
  readonly sessions: SessionExchange;
  /** Which keys are made here. Those of a sandbox count at sandboxes alone, whatever is stored. */
  readonly keyUse: KeyUse;
  readonly clock: Clock;
}

export function createCredentialExchange(deps: CredentialExchangeDeps): CredentialExchange {
  const { authority, credentials, lastUses, bearers, accessTokens, sessions, tokens, keyUse, clock } = deps;

  async function claimsOf(shown: Shown, workload: string): Promise<BearerClaims> {
    switch (shown.kind) {
      case "certificate":
        return ofCertificate(shown.der, workload);
      case "api_key":
        return ofApiKey(shown.key, shown.address);
      case "bearer_token":
        return bearers.claims(shown.token, shown.presented, workload);
      case "internal_token":
        return ofInternalToken(shown.token);
      case "session":
        return sessions.exchange(shown.credential, shown.actingAs, shown.recheck);
      case "workload":
        return ofWorkload(workload, clock.now());
    }
  }

  async function ofCertificate(der: Uint8Array, workload: string): Promise<InternalClaims> {
    if (!EDGES.has(workload))
      throw callerNotPermitted("only a service at the edge may exchange a certificate");
    const fingerprint = createHash("sha256").update(der).digest("hex");
    const found = await credentials.findByFingerprint(fingerprint);
    return ofCredential(found, "certificate", () => authority.verifyClient(der));
  }

  async function ofApiKey(key: string, address: string): Promise<InternalClaims> {
    const use = useOfApiKey(key);
    if (use === "test" && keyUse !== "test") throw testKeyRefused();
    const found = use && (await credentials.findByFingerprint(digestOf(key)));
    if (found?.networks !== undefined && !isWithin(found.networks, address)) {
      const why = "the API key is limited to networks, and this call comes from another one";
      throw heldBy(credentialInvalid(why), found);
    }
    return ofCredential(found, "api_key");
  }

  /** `prove` is called last: it costs most, and whoever was revoked may come again and again. */
  async function ofCredential(
    credential: Credential | undefined,
    kind: Credential["kind"],
    prove: () => void = () => {},
  ): Promise<InternalClaims> {
    const what = kind === "certificate" ? "certificate" : "API key";
    if (credential?.kind !== kind) {
      prove(); // It may say more.
      throw credentialInvalid(`the ${what} is unknown`);
    }
    await checkInForce(deps, credential).catch((error: unknown) => {
      throw heldBy(error, credential, standingOf(credential, clock.now()) !== "in force");
    });
    prove();
    lastUses.note(credential, clock.now());
    return { principal: holderOf(credential), credentialEnd: credential.expireTime };
  }

  async function ofInternalToken(token: string): Promise<InternalClaims> {
    const claims = await tokens.verifyInternal(token);
    const again = await sessions.again(claims.principal);
    if (again !== undefined) return again;
    const { principal, accessToken } = claims;
    if (accessToken !== undefined)
      return { ...claims, principal: await accessTokens.again(accessToken, principal) };
    await checkAgain(deps, principal);
    return claims;
  }

  return {
    async exchange(shown, workload, address) {
      const { nonce, allowedOrigins = [], ...claims } = await claimsOf(shown, workload);
      const rates = await ratesOf(deps, claims.principal);
      const { denied, judged } = await judge(deps, claims, address);
      const signed = await tokens.signInternal(judged, workload);
      return { ...signed, rates, denied, allowedOrigins, ...(nonce === undefined ? {} : { nonce }) };
    },
  };
}

function ofWorkload(workload: string, now: number): InternalClaims {
  if (workload === DOOR) throw callerNotPermitted("calls from outside need a credential");
  const principal: Principal = { kind: "service", id: workload };
  return { principal, credentialEnd: now + WORKLOAD_TOKEN_LIFETIME };
}

/** What policies say of the caller now, also where the token that it shows was made under earlier ones. */
async function judge({ policies }: CredentialExchangeDeps, claims: InternalClaims, address: string) {
  const { denied, version } = await policies.judge(claims.principal, address);
  const { policies: _, ...principal } = claims.principal;
  const now = version === undefined ? principal : { ...principal, policies: version };
  return { denied, judged: { ...claims, principal: now } };
}

async function ratesOf(
  { limits }: CredentialExchangeDeps,
  { kind, organization }: Principal,
): Promise<Rates | undefined> {
  return kind === "application" || kind === "patient" ? limits.rates(organization) : undefined;
}

/** What is stored may have been revoked since the token was made, or the application disabled. */
async function checkAgain(
  deps: CredentialExchangeDeps,
  { kind, credential, partition, actor }: Principal,
): Promise<void> {
  if (partition !== undefined && actor !== undefined && isDelegationKind(actor.kind)) {
    const found = await deps.acting.findDelegation(actor.id, partition);
    if (found?.kind !== actor.kind)
      throw credentialInvalid("the person does not act for the patient any more");
  }
  if (credential === undefined) return;
  if (kind === "patient" && partition !== undefined)
    await deps.bearers.checkPatientToken(partition, credential);
  if (kind !== "application" && kind !== "operator") return;
  const found = await deps.credentials.find(credential);
  if (!found) throw credentialInvalid("the credential is unknown");
  await checkInForce(deps, found);
}

async function checkInForce(
  { organizations, clock }: CredentialExchangeDeps,
  credential: Credential,
): Promise<void> {
  const standing = standingOf(credential, clock.now());
  if (standing === "revoked") throw credentialInvalid("the credential was revoked");
  if (standing === "expired") throw credentialInvalid("the credential has expired");
  const { holder } = credential;
  const may = holder.kind === "application" ? await organizations.standing(holder) : "may call";
  if (may === "disabled")
    throw credentialInvalid("the application or its organization is disabled or deleted");
  if (may === "unverified") throw organizationUnverified();
}

/** An operator's is nobody's. */
function heldBy(error: unknown, { id, holder }: Credential, isOver = false): unknown {
  if (holder.kind === "operator") return error;
  const { application, organization } = holder;
  return refusedOf(error, { application, organization, credential: id, isOver });
}

function holderOf({ id, holder, scopes }: Credential): Principal {
  if (holder.kind === "operator") return { kind: "operator", id: holder.operator, credential: id };
  const { application, organization } = holder;
  const limited = scopes === undefined ? {} : { scopes };
  return { kind: "application", id: application, organization, credential: id, ...limited };
}
