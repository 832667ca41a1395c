import type { Logger } from "@wellapi/runtime";
import { parseScope, scopesWithin } from "@wellapi/scopes";
import type { Pairwise } from "@wellapi/vault";
import {
  type Adapter,
  type Client,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from "oidc-provider";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { unavailable } from "./adapter.ts";
import { clientAlgorithms, isRegistered, staticScopes } from "./client.ts";
import { type OwnMetadata, ownProperties } from "./client-metadata.ts";
import { type Grant, refreshTokenDays } from "./grant.ts";
import { INSTALLATION_PARTY } from "./own-clients.ts";
import type { StateRepository } from "./state-repository.ts";
import { type Endpoints, fhirId, paths } from "./surface-endpoints.ts";

/** Seconds. */
const lifetimes = {
  accessToken: 300,
  code: 60,
  interaction: 1_800,
  deviceCode: 600,
  assertion: 300,
  grant: 731 * 86_400,
  /** How far the clocks of clients may be off. */
  skew: 60,
} as const;

/** The certificate of the TLS client of a request, and the application that this installation has given it to. */
export interface ShownCertificate {
  readonly pem: string;
  readonly application: string | undefined;
}

export interface ProviderDeps {
  readonly endpoints: Endpoints;
  readonly adapter: (model: string) => Adapter;
  readonly keys: SigningKeys;
  /** The grant in force, or undefined; asked once a request. Throws what the library answers with. */
  readonly grantOf: (request: object, id: string) => Promise<Grant | undefined>;
  /** After the library has answered. */
  readonly answered: (ctx: KoaContextWithOIDC) => Promise<void>;
  readonly pairwise: Pairwise;
  /** 32 bytes each, the same for all replicas. */
  readonly secrets: { readonly cookies: Uint8Array; readonly nonces: Uint8Array };
  readonly certificateOf: (request: object) => ShownCertificate | undefined;
  /** Proofs and assertions that were used. */
  readonly states: Pick<StateRepository, "insert">;
  readonly log: Logger;
}

/**
 * The library, with the installation's keys. It holds no state, so there is a new one whenever the keys change; all
 * keys of the installation verify, the current one signs.
 */
export function createProviders(deps: ProviderDeps): () => Provider {
  let current: { readonly kids: string; readonly provider: Provider } | undefined;
  return () => {
    const jwks = deps.keys.privateJwks();
    const kids = jwks.map(({ kid }) => kid).join();
    if (current?.kids !== kids) current = { kids, provider: createProvider(deps, { keys: jwks }) };
    return current.provider;
  };
}

function createProvider(deps: ProviderDeps, jwks: Configuration["jwks"]): Provider {
  const { endpoints, answered, states, log } = deps;
  const provider = new Provider(endpoints.issuer, configurationOf(deps, jwks));
  // The requests are made by ourselves, with the issuer's own host and scheme.
  provider.proxy = true;
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc !== undefined) await answered(ctx as KoaContextWithOIDC);
  });
  // The library looks, then stores; two at the same time would both find nothing.
  provider.ReplayDetection.unique = async (issuer, jti, end) =>
    states
      .insert({
        model: "ReplayDetection",
        id: JSON.stringify([issuer, jti]),
        payload: {},
        expireTime: end * 1_000,
      })
      .catch((error: unknown) => {
        throw unavailable(error);
      });
  provider.on("server_error", (_ctx, err) => {
    if ((err as { status?: number }).status !== 503) log.error({ err }, "the OAuth server failed");
  });
  return provider;
}

function configurationOf(deps: ProviderDeps, jwks: Configuration["jwks"]): Configuration {
  const { endpoints, adapter, secrets } = deps;
  const secure = endpoints.issuer.startsWith("https:");
  const cookie = { httpOnly: true, sameSite: "lax" as const, secure, signed: true };
  return {
    adapter,
    jwks: jwks!,
    cookies: {
      keys: [Buffer.from(secrets.cookies).toString("base64url")],
      names: { interaction: "wellapi_interaction", resume: "wellapi_resume", session: "wellapi_op_session" },
      long: cookie,
      short: cookie,
    },
    routes: {
      authorization: paths.authorization,
      token: paths.token,
      pushed_authorization_request: paths.pushed,
      introspection: paths.introspection,
      revocation: paths.revocation,
      device_authorization: paths.device,
      code_verification: paths.verification,
      jwks: paths.jwks,
    },
    clientDefaults: { id_token_signed_response_alg: "ES256", grant_types: [], response_types: [] },
    clientAuthMethods: ["none", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"],
    enabledJWA: {
      clientAuthSigningAlgValues: [...clientAlgorithms],
      dPoPSigningAlgValues: ["ES256", "ES384", "EdDSA"],
      idTokenSigningAlgValues: ["ES256"],
    },
    extraClientMetadata: { properties: [...ownProperties] },
    responseTypes: ["code"],
    scopes: [...staticScopes],
    claims: { openid: ["sub", "grant", "fhirUser"] },
    acrValues: ["code", "passkey", "fresh"],
    extraParams: ["aud", "launch"],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    clockTolerance: lifetimes.skew,
    ttl: {
      AccessToken: lifetimes.accessToken,
      ClientCredentials: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      // Its own end is in our record of it.
      Grant: lifetimes.grant,
      DeviceCode: lifetimes.deviceCode,
      IdToken: lifetimes.accessToken,
      Interaction: lifetimes.interaction,
      RefreshToken: refreshTokenDays * 86_400,
      Session: lifetimes.interaction,
    },
    clientBasedCORS: (_ctx, origin, client) => ownOf(client).wellapi_client.allowedOrigins.includes(origin),
    interactions: {
      policy: policy(),
      url: (_ctx, { uid }) => `${paths.interaction}/${uid}`,
    },
    loadExistingGrant: async ({ oidc }) => {
      const id = oidc.result?.consent?.grantId;
      return id === undefined ? undefined : oidc.provider.Grant.find(id);
    },
    assertJwtClientAuthClaimsAndHeader: (ctx, claims, _header, client) => checkAssertion(ctx, claims, client),
    renderError: (ctx, out) => {
      // The surface makes a page of it for the person whose browser it is.
      ctx.type = "json";
      ctx.body = { error: out.error, error_description: out.error_description };
    },
    ...accountsOf(deps),
    features: featuresOf(deps),
  };
}

function featuresOf({ endpoints, secrets, certificateOf }: ProviderDeps): Configuration["features"] {
  const nobody = async () => undefined;
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    deviceFlow: { enabled: true, charset: "base-20", mask: "****-****", userCodeInputSource: nobody },
    dPoP: {
      enabled: true,
      nonceSecret: Buffer.from(secrets.nonces),
      requireNonce: () => true,
      allowReplay: false,
    },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
    fapi: { enabled: true, profile: (_ctx, client) => (client && isFapi(client) ? "2.0" : undefined) },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      selfSignedTlsClientAuth: true,
      getCertificate: (ctx) => certificateOf(ctx.req)?.pem,
      certificateAuthorized: (ctx) => certificateOf(ctx.req)?.application !== undefined,
      certificateSubjectMatches: (ctx, _property, application) =>
        certificateOf(ctx.req)?.application === application,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, _client, oneOf) =>
        oneOf?.[0] ?? (ctx.oidc.params?.aud as string | undefined) ?? endpoints.api,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => {
        const audience = resource === endpoints.fhirBase ? endpoints.fhir : resource;
        if (audience !== endpoints.api && audience !== endpoints.fhir) throw new errors.InvalidTarget();
        return {
          scope: givenScopes(ctx, client).join(" "),
          audience,
          accessTokenTTL: lifetimes.accessToken,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        };
      },
    },
  };
}

/**
 * For the library an account is what the organization knows of the person. Asked at each use of a code or a refresh
 * token, so that none is good for anything once its consent has ended.
 */
function accountsOf({ endpoints, grantOf, pairwise }: ProviderDeps) {
  return {
    async findAccount(ctx: KoaContextWithOIDC, sub: string, token?: object) {
      const { grantId } = (token as { grantId?: string } | undefined) ?? ctx.oidc.result?.consent ?? {};
      const grant = grantId === undefined ? undefined : await grantOf(ctx.req, grantId);
      if (grant === undefined || subjectOf(pairwise, grant) !== sub) return undefined;
      const patient = patientOf(pairwise, grant);
      const resource = patient === undefined ? `Practitioner/${fhirId(sub)}` : `Patient/${fhirId(patient)}`;
      const fhirUser = `${endpoints.fhirBase}/${resource}`;
      return {
        accountId: sub,
        claims: async (_use: string, scope: string) => ({
          sub,
          grant: grantId,
          ...(scope.split(" ").includes("fhirUser") && { fhirUser }),
        }),
      };
    },
    formats: {
      customizers: {
        async jwt(ctx: KoaContextWithOIDC, token: object, jwt: { payload: Record<string, unknown> }) {
          const { grantId } = token as { grantId?: string };
          if (grantId === undefined) return;
          const grant = await grantOf(ctx.req, grantId);
          if (grant === undefined) throw new errors.InvalidGrant("the grant has ended");
          Object.assign(jwt.payload, { grant: grant.id, acr: grant.assurance });
        },
      },
    },
  };
}

/** Whom the grant's tokens speak for, as the organization knows them. */
export function subjectOf(pairwise: Pairwise, { organization, subject }: Grant): string {
  return pairwise.outward(organization, subject);
}

/** The patient's id in what the app calls: its own app calls as the patient, another one as its organization. */
export function patientOf(pairwise: Pairwise, grant: Grant): string | undefined {
  if (grant.partition === undefined) return undefined;
  const party = grant.kind === "patient_app" ? INSTALLATION_PARTY : grant.organization;
  return pairwise.outward(party, grant.subject);
}

/** Nothing is agreed to but by an interaction of its own. */
function policy() {
  const { Check, Prompt } = interactionPolicy;
  const unless = (done: (ctx: KoaContextWithOIDC) => unknown) => (ctx: KoaContextWithOIDC) =>
    done(ctx) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  return [
    new Prompt(
      { name: "login", requestable: true },
      new Check(
        "signed_out",
        "the person has to sign in",
        unless(({ oidc }) => oidc.result?.login),
      ),
    ),
    new Prompt(
      { name: "consent", requestable: true },
      new Check(
        "not_agreed",
        "the person has to agree",
        unless(({ oidc }) => oidc.result?.consent?.grantId),
      ),
    ),
  ] as never;
}

function ownOf(client: Client): OwnMetadata {
  return client as unknown as OwnMetadata;
}

/** Confidential clients that people agree to are held to FAPI 2.0's security profile. */
function isFapi(client: Client): boolean {
  const { authMethod, grantTypes } = ownOf(client).wellapi_client;
  return authMethod !== "none" && grantTypes.includes("authorization_code");
}

/** What was asked for, of what this client may have in this flow. The rest is left out, as SMART says. */
function givenScopes({ oidc }: KoaContextWithOIDC, client: Client): readonly string[] {
  const { AuthorizationCode, RefreshToken, DeviceCode } = oidc.entities;
  const source = AuthorizationCode ?? RefreshToken ?? DeviceCode;
  const asked = (oidc.params?.scope as string | undefined) ?? source?.scope ?? "";
  const registered = asked.split(" ").filter((scope) => isRegistered(ownOf(client).wellapi_client, scope));
  const byProgram = oidc.params?.grant_type === "client_credentials";
  if (byProgram) return scopesWithin(registered, "system");
  const contexts = new Set(registered.map((scope) => parseScope(scope)?.context).filter(Boolean));
  contexts.delete("system");
  if (contexts.size > 1) {
    throw new errors.InvalidScope(
      "patient/ and user/ scopes are for different people: ask for one kind",
      asked,
    );
  }
  return registered.filter((scope) => parseScope(scope)?.context !== "system");
}

/** SMART Backend Services: five minutes at most. FAPI 2.0: the audience is the issuer, as a string. */
function checkAssertion(ctx: KoaContextWithOIDC, claims: Record<string, unknown>, client: Client): void {
  const { exp, aud } = claims;
  const latest = Date.now() / 1_000 + lifetimes.assertion + lifetimes.skew;
  if (typeof exp !== "number" || exp > latest) {
    throw new errors.InvalidClientAuth("exp of the client_assertion lies more than five minutes ahead");
  }
  if (typeof aud !== "string" || (isFapi(client) && aud !== ctx.oidc.issuer)) {
    throw new errors.InvalidClientAuth(
      "aud of the client_assertion must be the issuer identifier, as a string",
    );
  }
}
