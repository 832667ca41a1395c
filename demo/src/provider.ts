import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import type { Connection } from "@wellapi/client";
import {
  OAuthClient_GrantType,
  OAuthClient_TokenEndpointAuthMethod,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { exportJWK, generateKeyPair } from "jose";
import * as oauth from "openid-client";

/** An application that people connect to, as its own server sees itself. */
export interface ConnectingApp {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly signingKey: oauth.CryptoKey;
}

/** A connection that a person has not agreed to yet: the server keeps it beside the person's session. */
export interface Pending {
  /** Where to send the person's browser. */
  readonly url: string;
  readonly state: string;
  readonly codeVerifier: string;
}

/** What the application has after a person connected: the id by which it knows them, and its tokens. */
export interface Connected {
  readonly patient: string;
  readonly accessToken: string;
}

/** A wearable maker's server. */
export interface Provider {
  begin(): Promise<Pending>;
  /** With the address at which the person's browser came back. */
  finish(pending: Pending, cameBackAt: URL): Promise<Connected>;
}

const kid = "1";
const scope = "openid offline_access launch/patient patient/Observation.c";

/** Registers a company's application that contributes heart and activity data of the people who connect to it. */
export async function registerApp(
  operator: Connection,
  organization: string,
  redirectUri: string,
): Promise<ConnectingApp> {
  const { publicKey, privateKey } = await generateKeyPair("ES384");
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: "ES384", use: "sig" };
  const { application } = await createClient(OrganizationService, operator).createApplication({
    requestId: randomUUID(),
    application: {
      organization,
      displayName: "Connect",
      oauth: {
        tokenEndpointAuthMethod: OAuthClient_TokenEndpointAuthMethod.PRIVATE_KEY_JWT,
        grantTypes: [OAuthClient_GrantType.AUTHORIZATION_CODE],
        redirectUris: [redirectUri],
        jwks: JSON.stringify({ keys: [jwk] }),
        scopes: scope.split(" "),
        connectTerms: {
          directions: [Direction.CONTRIBUTE],
          categories: [{ name: "heart" }, { name: "activity" }],
          why: "To keep what your wearable measures where you decide who sees it",
        },
      },
    },
  });
  return { clientId: application!.id, redirectUri, signingKey: privateKey };
}

/** `origin`: the exchange's issuer, such as `http://localhost:7080`. */
export async function openProvider(origin: string, app: ConnectingApp): Promise<Provider> {
  const { redirectUri } = app;
  const config = await oauth.discovery(
    new URL(origin),
    app.clientId,
    { token_endpoint_auth_method: "private_key_jwt" },
    oauth.PrivateKeyJwt({ key: app.signingKey, kid }),
    { execute: [oauth.allowInsecureRequests] }, // http, to this machine
  );
  return {
    async begin() {
      const codeVerifier = oauth.randomPKCECodeVerifier();
      const state = oauth.randomState();
      const url = await oauth.buildAuthorizationUrlWithPAR(config, {
        redirect_uri: redirectUri,
        scope,
        code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
        state,
      });
      return { url: url.href, state, codeVerifier };
    },
    async finish({ state, codeVerifier }, cameBackAt) {
      const tokens = await oauth.authorizationCodeGrant(config, cameBackAt, {
        expectedState: state,
        pkceCodeVerifier: codeVerifier,
      });
      return { patient: tokens.claims()!.sub, accessToken: tokens.access_token };
    },
  };
}
