/** A whole exchange, in one process unless another is given, a company, a patient, and a browser without pages: what the page does is done by its RPCs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createBrowser } from "@wellapi/demo/browser";
import { grant } from "@wellapi/demo/consents";
import { type Company, enrolCompany, enrolPerson, operatorAt, type Person } from "@wellapi/demo/people";
import type { Server } from "@wellapi/demo/server";
import { ErrorInfoSchema } from "@wellapi/gen/google/rpc/error_details_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import {
  OAuthClient_GrantType as GrantType,
  OAuthClient_TokenEndpointAuthMethod as Method,
  type OAuthClientSchema,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Exchange, openExchange, parseExchangeConfig } from "@wellapi/host";
import { silentLogger } from "@wellapi/runtime";
import { exportJWK, generateKeyPair } from "jose";
import * as oidc from "openid-client";
import { afterAll, beforeAll } from "vitest";

export const callback = "https://app.example/callback";
export const terms = {
  directions: [Direction.CONTRIBUTE, Direction.READ],
  categories: [{ name: "heart" }],
  purposes: [Purpose.TREATMENT],
  resolution: Resolution.RAW,
  why: "To show your doctor how your heart is doing",
};

/** The reason in an error of an RPC as JSON (google.rpc.ErrorInfo). */
export function reasonIn(body: string): string {
  const { details } = JSON.parse(body) as { details: { type: string; value: string }[] };
  const info = details.find(({ type }) => type === ErrorInfoSchema.typeName);
  return info === undefined
    ? "no reason"
    : fromBinary(ErrorInfoSchema, Buffer.from(info.value, "base64")).reason;
}

export type Registration = MessageInitShape<typeof OAuthClientSchema>;

/** A key pair of a client, for `jwks` and for assertions. */
export async function clientKey(alg = "ES384", kid = "k1") {
  const pair = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" };
  return { key: pair.privateKey, kid, alg, jwks: JSON.stringify({ keys: [jwk] }) };
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/** The cases against an exchange in one process, which is opened for them. */
export function inOneProcess(cases: (given: () => World) => void, env: Record<string, string> = {}): void {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(env);
  }, 120_000);
  afterAll(() => world?.close(), 60_000);
  cases(() => world);
}

/** Settings of an exchange whose data are in the folder; its ports are free ones. */
export function settingsIn(folder: string): Record<string, string> {
  return {
    WELLAPI_DATA_DIR: join(folder, "data"),
    WELLAPI_MASTER_KEY_FILE: join(folder, "master.key"),
    WELLAPI_GRPC_PORT: "0",
    WELLAPI_HTTP_PORT: "0",
    WELLAPI_ADDRESS_RATE: "100000",
  };
}

export async function openWorld(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-oauth-"));
  const exchange = await openExchange(parseExchangeConfig({ ...settingsIn(folder), ...env }), silentLogger);
  return populate(exchange, () => rmSync(folder, { recursive: true }));
}

/** A company, a patient, and a browser, at a running exchange. `after`: once it is closed. */
export async function populate(exchange: Exchange, after: () => void) {
  const { grpcUrl: grpc, httpUrl: http, dataDir, authority, operatorKey } = exchange;
  const server = { grpc, http, dataDir, authority, operatorKey: operatorKey! } as Server;
  const company: Company = await enrolCompany(server, "Pulse Makers");
  const person: Person = await enrolPerson(server, "Ada");
  const organizations = createClient(OrganizationService, operatorAt(server));
  const issuer = http.replace("127.0.0.1", "localhost");

  /** An application of the company, registered as a client. */
  async function register(oauth: Registration, organization = company.organization): Promise<string> {
    const { application } = await organizations.createApplication({
      application: { organization, displayName: "Heart", oauth },
      requestId: crypto.randomUUID(),
    });
    return application!.id;
  }

  return {
    exchange,
    server,
    company,
    person,
    organizations,
    issuer,
    register,
    interactions: createClient(OAuthInteractionService, person.transport),
    configuration: (id: string, authentication: oidc.ClientAuth) =>
      oidc.discovery(new URL(issuer), id, undefined, authentication, {
        execute: [oidc.allowInsecureRequests],
      }),
    /** A consent to the company, as the page makes it. */
    consent: () => grant(person, company, Direction.READ),
    async close() {
      await exchange.close();
      after();
    },
  };
}

export const confidential = {
  tokenEndpointAuthMethod: Method.PRIVATE_KEY_JWT,
  grantTypes: [GrantType.AUTHORIZATION_CODE],
  redirectUris: [callback],
  scopes: ["openid", "offline_access", "launch/patient", "patient/Observation.rs", "patient/Observation.c"],
  connectTerms: terms,
} satisfies Registration;

export const publicApp = {
  ...confidential,
  tokenEndpointAuthMethod: Method.NONE,
  patientAccess: true,
  redirectUris: ["http://localhost:21099/app"],
} satisfies Registration;

export const backend = {
  tokenEndpointAuthMethod: Method.PRIVATE_KEY_JWT,
  grantTypes: [GrantType.CLIENT_CREDENTIALS],
  scopes: ["system/Observation.cruds"],
} satisfies Registration;

/** The installation's own client. */
export const cli = "wellapi-cli";

export const scope = "openid offline_access launch/patient patient/Observation.rs";

/** The app pushes its request and sends the browser to it. */
export async function connect(
  configuration: oidc.Configuration,
  parameters: Record<string, string> = {},
  options: { readonly DPoP?: oidc.DPoPHandle } = {},
) {
  const verifier = oidc.randomPKCECodeVerifier();
  const pushed = {
    redirect_uri: callback,
    scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "s1",
    ...parameters,
  };
  const url = await oidc.buildAuthorizationUrlWithPAR(configuration, pushed, options);
  const browser = createBrowser();
  const page = await browser.get(url);
  return { verifier, url, browser, page, interaction: page.pathname.split("/").at(-1)! };
}

/** The patient agrees: what `/authorize/<interaction>` does, by its RPCs. */
export async function agree(world: World, interaction: string, grantedScopes = scope.split(" ")) {
  const consent = await world.consent();
  const consents = [consent];
  const { redirectUri } = await world.interactions.completeInteraction({
    interaction,
    grantedScopes,
    consents,
  });
  return { redirectUri, consent };
}

/** A confidential client of the company, and how it signs. */
export async function confidentialClient(world: World, more: Partial<Registration> = {}) {
  const key = await clientKey();
  const id = await world.register({ ...confidential, ...more, jwks: key.jwks } as Registration);
  const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
  return { key, id, configuration };
}

/** A patient has connected it: the code that waits at its callback. */
export async function connected(world: World, configuration: oidc.Configuration) {
  const { verifier, browser, interaction } = await connect(configuration);
  const { redirectUri, consent } = await agree(world, interaction);
  const back = await browser.get(redirectUri);
  const checks = { pkceCodeVerifier: verifier, expectedState: "s1" };
  return { back, checks, consent, tokens: () => oidc.authorizationCodeGrant(configuration, back, checks) };
}
