import type { Principal, Role } from "@wellapi/rpc";
import type { Clock } from "@wellapi/runtime";
import { refusedOf } from "../credentials/refused-holder.ts";
import { credentialInvalid, IdentityError, organizationUnverified } from "../errors.ts";
import type { MemberDirectory } from "../members/member-directory.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { type ActingFor, type ActingLookups, isDelegationKind } from "../sessions/acting.ts";
import type { AccessToken, AccessTokenVerifier, VerifiedToken } from "./access-token.ts";
import type { Possession, Presented } from "./possession.ts";
import type { TokenGrant, TokenStandings } from "./standing.ts";
import { principalOfToken, type Standing } from "./token-principal.ts";

/** What stays of an access token in the internal tokens that are made from it, so that they end with it. */
export interface AccessTokenOrigin {
  /** `jti` */
  readonly id: string;
  readonly client: string;
  readonly grant?: string;
}

export interface ExchangedAccessToken {
  readonly principal: Principal;
  readonly origin: AccessTokenOrigin;
  /** UTC milliseconds. */
  readonly credentialEnd: number;
  /** Origins whose pages may read answers to the client. */
  readonly allowedOrigins: readonly string[];
  /** For the caller's next DPoP proof. */
  readonly nonce?: string;
}

/** Exchanges access tokens of the OAuth server. */
export interface AccessTokenExchange {
  /** Throws `credential_invalid`, `proof_invalid`, `nonce_required`. */
  exchange(token: string, presented: Presented, workload: string): Promise<ExchangedAccessToken>;
  /**
   * The principal as it is now: with the roles that a member or one of the staff has left. Throws `credential_invalid` where the
   * token, its grant or its client is not in force any more.
   */
  again(origin: AccessTokenOrigin, principal: Principal): Promise<Principal>;
}

export interface AccessTokenExchangeDeps {
  readonly verifier: AccessTokenVerifier;
  readonly possession: Possession;
  readonly standings: TokenStandings;
  readonly organizations: Pick<OrganizationRepository, "standing" | "application">;
  readonly directory: Pick<MemberDirectory, "findMembership" | "staffRoles">;
  readonly acting: Pick<ActingLookups, "findDelegation">;
  readonly clock: Clock;
}

export function createAccessTokenExchange(deps: AccessTokenExchangeDeps): AccessTokenExchange {
  const { verifier, possession, standings, organizations, directory, acting, clock } = deps;

  const isClinician = async (account: string, organization: string): Promise<boolean> =>
    (await directory.findMembership(account, organization))?.roles.includes("clinician") === true;

  /** Undefined where the grant needs no role. Throws `credential_invalid` where it does, and its person has none any more. */
  async function rolesOf({ kind, account, memberOf = "" }: TokenGrant): Promise<readonly Role[] | undefined> {
    if (kind !== "member" && kind !== "staff") return undefined;
    const roles =
      kind === "staff"
        ? await directory.staffRoles(account)
        : ((await directory.findMembership(account, memberOf))?.roles ?? []);
    if (roles.length === 0) throw credentialInvalid("the person who signed in has no role there any more");
    return roles;
  }

  /** An application acts in a patient's name for as long as who granted it may. A provider's stands on the consent alone. */
  async function checkActor({ kind, actor, partition = "" }: TokenGrant): Promise<ActingFor | undefined> {
    if (kind !== "patient_app" || actor === undefined || !isDelegationKind(actor.kind)) return undefined;
    const delegation = await acting.findDelegation(actor.id, partition);
    if (delegation?.kind !== actor.kind)
      throw credentialInvalid("the person who granted it does not act for the patient any more");
    return delegation;
  }

  async function clientOf(client: string): Promise<Pick<Standing, "organization" | "allowedOrigins">> {
    const application = await organizations.application(client).catch((error: unknown) => {
      if (error instanceof IdentityError && error.code === "not_found") return undefined;
      throw error;
    });
    const organization = application?.organization ?? "";
    const may = await organizations.standing({ application: client, organization });
    if (may === "disabled")
      throw credentialInvalid("the application or its organization is disabled or deleted");
    if (may === "unverified") throw organizationUnverified();
    return { organization, allowedOrigins: application?.oauth?.allowedOrigins ?? [] };
  }

  async function standing({ id, client, grant: grantId }: AccessTokenOrigin): Promise<Standing> {
    const known = await clientOf(client);
    const { organization } = known;
    if (await standings.isRevoked(id)) throw credentialInvalid("the access token was revoked");
    if (grantId === undefined) return { ...known, grant: undefined };
    const grant = await standings.findGrant(grantId);
    if (grant === undefined)
      throw credentialInvalid("what was granted has ended, or its consent is not in force any more");
    if (grant.application !== client || grant.organization !== organization)
      throw credentialInvalid("the access token was granted to another application");
    if (grant.kind === "user" && !(await isClinician(grant.account, organization)))
      throw credentialInvalid("the person who signed in is no clinician of the organization any more");
    const hides = (await checkActor(grant))?.hides;
    const roles = await rolesOf(grant);
    return { ...known, grant, ...(roles && { roles }), ...(hides && { hides }) };
  }

  async function ofToken(token: string, verified: VerifiedToken, presented: Presented) {
    if ("expired" in verified) throw credentialInvalid("the access token has expired: get a new one");
    const { id, client, grant, expireTime: credentialEnd } = verified.valid;
    const origin = { id, client, ...(grant === undefined ? {} : { grant }) };
    const now = await standing(origin);
    // Last: it uses the proof up.
    const nonce = await possession.check(token, verified.valid, presented);
    const principal = principalOfToken(verified.valid, now, clock.now());
    const { allowedOrigins } = now;
    return { principal, origin, credentialEnd, allowedOrigins, ...(nonce === undefined ? {} : { nonce }) };
  }

  return {
    async exchange(token, presented, workload) {
      const verified = await verifier.verify(token, workload);
      return ofToken(token, verified, presented).catch(async (error: unknown) => {
        throw await ofHolder(deps, "valid" in verified ? verified.valid : verified.expired, error);
      });
    },
    async again(origin, principal) {
      const { roles, hides } = await standing(origin);
      const { hides: _, ...rest } = principal;
      return { ...rest, ...(roles && { roles }), ...(hides && { hides }) };
    },
  };
}

/**
 * The refusal of a token that we have signed, with whose it is where it made its bearer an application. Of what acts for a person,
 * and of a grant that has ended, nobody is told. What cannot be looked up now stays unsaid.
 */
async function ofHolder(
  { standings, organizations }: Pick<AccessTokenExchangeDeps, "standings" | "organizations">,
  { client, grant: grantId }: AccessToken,
  refused: unknown,
): Promise<unknown> {
  try {
    const grant = grantId === undefined ? undefined : await standings.findGrant(grantId);
    const application =
      grantId === undefined ||
      (grant?.application === client && (grant.kind === "connect" || grant.kind === "user"));
    if (!application) return refused;
    const { organization } = await organizations.application(client);
    return refusedOf(refused, { application: client, organization, credential: grantId ?? client });
  } catch {
    return refused;
  }
}
