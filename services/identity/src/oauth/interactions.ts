import type { Caller } from "@wellapi/rpc";
import type { Clock, Ids } from "@wellapi/runtime";
import { parseScope } from "@wellapi/scopes";
import type { Pairwise } from "@wellapi/vault";
import type { DeviceCode, Interaction as LibraryInteraction } from "oidc-provider";
import type { Call } from "../accesses.ts";
import type { OrganizationClockRepository } from "../clocks/organization-clock-repository.ts";
import { INSTALLATION } from "../collections.ts";
import { notFound } from "../errors.ts";
import type { Application, Organization } from "../organizations/organization.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import { isRegistered, isStatic, type OAuthClient } from "./client.ts";
import { checkConsents } from "./consents.ts";
import { interactionOver, scopeNotAsked, signInAgain, subjectNotAsked } from "./errors.ts";
import { endOfGrant, type Grant } from "./grant.ts";
import type { GrantRepository } from "./grant-repository.ts";
import { INSTALLATION_PARTY } from "./own-clients.ts";
import { personScopes } from "./person-scopes.ts";
import type { Protocol } from "./protocol.ts";
import { subjectOf } from "./provider.ts";
import type { OAuthStandings } from "./standings.ts";
import type { Endpoints } from "./surface-endpoints.ts";

/** Who has to agree. */
export type Asked = "patient" | "member" | "person" | "staff";

/** What an application asks a person for, in a browser or at a device. Times are UTC milliseconds. */
export interface Interaction {
  readonly id: string;
  readonly asked: Asked;
  readonly application: Application & { readonly oauth: OAuthClient };
  readonly organization: Organization;
  readonly scopes: readonly string[];
  readonly resource: string;
  /** The person's sign-in has to be later than this. Absent: any will do. */
  readonly signInAfter?: number;
  readonly loginHint: string;
  readonly locales: readonly string[];
  readonly redirectUri: string | undefined;
  readonly userCode: string | undefined;
  readonly startTime: number;
  readonly expireTime: number;
  /** By how many milliseconds the clock of the application's organization is ahead, in a sandbox. */
  readonly clockAheadMs: number;
}

export interface Interactions {
  /** Throws `not_found`. */
  find(id: string): Promise<Interaction>;
  /** By the code that a device shows. Throws `not_found`. */
  findDevice(userCode: string): Promise<Interaction>;
  /** Returns where the browser goes, or nothing for a device. Throws IdentityError. */
  complete(id: string, agreed: Agreed, call: Call): Promise<string>;
  abort(id: string): Promise<string>;
}

/** What the person has left of what was asked. */
export interface Agreed {
  readonly scopes: readonly string[];
  readonly consents: readonly string[];
}

interface Deps {
  readonly protocol: Pick<Protocol, "provider">;
  readonly endpoints: () => Endpoints;
  readonly organizations: Pick<OrganizationRepository, "application" | "organization" | "mayCall">;
  readonly grants: Pick<GrantRepository, "insertion" | "find">;
  readonly standings: Pick<OAuthStandings, "inForce">;
  readonly authTime: (session: string) => Promise<number | undefined>;
  /** Undefined outside of the sandbox. */
  readonly organizationClocks: Pick<OrganizationClockRepository, "aheadOf"> | undefined;
  readonly pairwise: Pairwise;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Either of them waits for a person. */
type Waiting =
  | { readonly kind: "browser"; readonly of: LibraryInteraction }
  | { readonly kind: "device"; readonly of: DeviceCode };

const DEVICE = "dev-";

export function createInteractions(deps: Deps): Interactions {
  async function waiting(id: string): Promise<Waiting> {
    const provider = deps.protocol.provider();
    if (id.startsWith(DEVICE)) {
      const code = await provider.DeviceCode.findByUserCode(id.slice(DEVICE.length));
      const open = code?.isValid && !code.error && !code.accountId;
      if (code === undefined || !open) throw notFound("interaction");
      return { kind: "device", of: code };
    }
    const found = await provider.Interaction.find(id);
    if (found === undefined) throw notFound("interaction");
    return { kind: "browser", of: found };
  }

  return {
    find: async (id) => described(deps, id, await waiting(id)),
    async findDevice(userCode) {
      const id = `${DEVICE}${userCode.toUpperCase().replace(/[^A-Z]/g, "")}`;
      return described(deps, id, await waiting(id));
    },
    async complete(id, agreed, call) {
      const one = await waiting(id);
      const interaction = await described(deps, id, one);
      const before = one.kind === "browser" ? one.of.result?.consent?.grantId : undefined;
      const account = accountOf(call.caller);
      if (before !== undefined) {
        const grant = await deps.grants.find(before);
        if (grant?.account !== account || one.kind !== "browser") throw interactionOver();
        return one.of.returnTo;
      }
      const authTime = await authTimeIn(deps, interaction, call.caller);
      const grant = await granted(deps, interaction, agreed, call.caller);
      const insertion = deps.grants.insertion(grant);
      const patient = grant.partition && { id: grant.subject, partition: grant.partition };
      const partition = grant.partition ?? INSTALLATION;
      await call.commit(patient || undefined)({ partition, changes: [insertion] });
      await saveForLibrary(deps, interaction, grant, agreed);
      return release(deps, one, interaction, { grant, agreed, authTime });
    },
    async abort(id) {
      const one = await waiting(id);
      if (one.kind === "device") {
        Object.assign(one.of, { error: "access_denied", errorDescription: "the person has refused" });
        await one.of.save();
        return "";
      }
      one.of.result = { error: "access_denied", error_description: "the person has refused" };
      await one.of.save(one.of.exp! - nowSeconds());
      return one.of.returnTo;
    },
  };
}

/** The library counts by the machine's own clock. */
function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

async function described(deps: Deps, id: string, { kind, of }: Waiting): Promise<Interaction> {
  const parameters = of.params as Readonly<Record<string, unknown>>;
  const text = (name: string): string | undefined => {
    const value = parameters[name];
    return typeof value === "string" ? value : undefined;
  };
  const application = await deps.organizations.application(text("client_id") ?? "");
  const { oauth, organization } = application;
  if (
    oauth === undefined ||
    !(await deps.organizations.mayCall({ application: application.id, organization }))
  )
    throw notFound("interaction");
  const scopes = (text("scope") ?? "").split(" ").filter((scope) => isRegistered(oauth, scope));
  return {
    id,
    asked: askedOf(scopes),
    application: { ...application, oauth },
    organization: await deps.organizations.organization(organization),
    scopes,
    resource: text("resource") ?? text("aud") ?? deps.endpoints().api,
    ...signInAfter(text("prompt"), of.params?.max_age, of.iat! * 1_000),
    loginHint: text("login_hint") ?? "",
    locales: (text("ui_locales") ?? "").split(" ").filter(Boolean),
    redirectUri: kind === "browser" ? text("redirect_uri") : undefined,
    userCode: kind === "device" ? `${of.userCode!.slice(0, 4)}-${of.userCode!.slice(4)}` : undefined,
    startTime: of.iat! * 1_000,
    expireTime: of.exp! * 1_000,
    clockAheadMs: (await deps.organizationClocks?.aheadOf(organization)) ?? 0,
  };
}

/**
 * `prompt=login` and `max_age` of OpenID Connect. By whole seconds, as the library tells when the application asked: a sign-in of
 * that very second was not before it.
 */
function signInAfter(prompt = "", maxAge: unknown, startTime: number): Pick<Interaction, "signInAfter"> {
  if (prompt.split(" ").includes("login")) return { signInAfter: startTime };
  const seconds = maxAge === undefined ? Number.NaN : Number(maxAge);
  return Number.isFinite(seconds) ? { signInAfter: startTime - seconds * 1_000 } : {};
}

function askedOf(scopes: readonly string[]): Asked {
  const contexts = new Set(scopes.map((scope) => parseScope(scope)?.context));
  const has = (scope: string) => scopes.includes(scope);
  if (contexts.has("patient") || has("launch/patient") || has(personScopes.carers)) return "patient";
  if (has(personScopes.staff)) return "staff";
  return contexts.has("user") || has(personScopes.organization) ? "member" : "person";
}

/** The account of whoever calls: a session's principal names it, or the actor who acts in a patient's name. */
export function accountOf({ principal }: Caller): string {
  return principal.actor?.id ?? principal.id;
}

/**
 * When the caller proved who they are, UTC milliseconds. Throws `not_agreed` where the application asks for a newer sign-in; so
 * does who has no session, and can show none.
 */
async function authTimeIn(
  { authTime, clock }: Deps,
  { signInAfter: after }: Interaction,
  { principal: { credential = "" } }: Caller,
): Promise<number> {
  const known = credential.startsWith("ses_") ? await authTime(credential) : undefined;
  if (after !== undefined && (known === undefined || known < after)) throw signInAgain();
  return known ?? clock.now();
}

async function granted(
  deps: Deps,
  { asked, application, scopes }: Interaction,
  agreed: Agreed,
  caller: Caller,
): Promise<Grant> {
  const { principal } = caller;
  const extra = agreed.scopes.find((scope) => !scopes.includes(scope));
  if (extra !== undefined) throw scopeNotAsked(extra);
  const { organization } = application;
  if (!mayAgree(asked, organization, principal)) throw subjectNotAsked(asked);
  const partition = asked === "patient" ? principal.partition! : undefined;
  // The installation's own program reads nothing for anybody but the patient: there is no one to consent to.
  if (partition !== undefined && organization !== INSTALLATION_PARTY)
    await checkConsents(deps.standings, agreed, partition, organization);
  const kind = kindOf(asked, application, agreed.scopes);
  const now = deps.clock.now();
  return {
    id: deps.ids.next("grn"),
    application: application.id,
    organization,
    kind,
    account: accountOf(caller),
    subject: partition === undefined ? accountOf(caller) : principal.id,
    ...(partition !== undefined && { partition }),
    ...(partition !== undefined && principal.actor && { actor: principal.actor }),
    ...(kind === "member" && { memberOf: principal.organization! }),
    consents: agreed.consents,
    assurance: principal.assurance ?? "code",
    ...(principal.freshUntil !== undefined && { freshUntil: principal.freshUntil }),
    createTime: now,
    expireTime: endOfGrant(kind, now),
  };
}

/** Other applications are in the hands of clinicians of their organization; our own command line in everybody's. */
function mayAgree(
  asked: Asked,
  organization: string,
  { kind, organization: memberOf, roles, id }: Caller["principal"],
): boolean {
  const own = organization === INSTALLATION_PARTY;
  switch (asked) {
    case "patient":
      return kind === "patient";
    case "staff":
      // A script has no account.
      return own && kind === "operator" && id.startsWith("usr_");
    case "member":
      return (
        kind === "member" && (own || (memberOf === organization && roles?.includes("clinician") === true))
      );
    case "person":
      return kind === "person" || kind === "patient" || kind === "member";
  }
}

function kindOf(
  asked: Asked,
  { organization, oauth }: Interaction["application"],
  scopes: readonly string[],
): Grant["kind"] {
  const own = organization === INSTALLATION_PARTY;
  switch (asked) {
    case "patient":
      return oauth.patientAccess ? "patient_app" : "connect";
    case "staff":
      return "staff";
    case "member":
      return own ? "member" : "user";
    case "person":
      return own && scopes.includes(personScopes.account) ? "account" : "person";
  }
}

/** The library's own record of what may be in tokens. */
async function saveForLibrary(
  { protocol, pairwise }: Deps,
  { application, resource }: Interaction,
  grant: Grant,
  { scopes }: Agreed,
): Promise<void> {
  const { Grant: LibraryGrant } = protocol.provider();
  const record = new LibraryGrant({ accountId: subjectOf(pairwise, grant), clientId: application.id });
  record.jti = grant.id;
  const statics = scopes.filter(isStatic);
  if (statics.length > 0) record.addOIDCScope(statics.join(" "));
  const others = scopes.filter((scope) => !isStatic(scope));
  if (others.length > 0) record.addResourceScope(resource, others.join(" "));
  await record.save();
}

/** Lets the browser, or the device, go on. */
async function release(
  { pairwise }: Deps,
  { kind, of }: Waiting,
  { resource }: Interaction,
  { grant, agreed, authTime: authMs }: { grant: Grant; agreed: Agreed; authTime: number },
): Promise<string> {
  const { scopes } = agreed;
  const accountId = subjectOf(pairwise, grant);
  const authTime = Math.floor(authMs / 1_000);
  if (kind === "device") {
    Object.assign(of, {
      accountId,
      grantId: grant.id,
      acr: grant.assurance,
      authTime,
      scope: scopes.join(" "),
      resource,
    });
    await of.save();
    return "";
  }
  of.result = {
    login: { accountId, acr: grant.assurance, ts: authTime, remember: false },
    consent: { grantId: grant.id },
  };
  await of.save(of.exp! - nowSeconds());
  return of.returnTo;
}
