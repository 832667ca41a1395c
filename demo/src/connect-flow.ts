import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import type { Connection } from "@wellapi/client";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import {
  OAuthClient_GrantType,
  OAuthClient_TokenEndpointAuthMethod,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { exportJWK, generateKeyPair } from "jose";
import * as oauth from "openid-client";
import type { Browser } from "./browser.ts";

/** An application that people connect to, as its own server sees itself. */
export interface ConnectingApp {
  readonly clientId: string;
  readonly signingKey: oauth.CryptoKey;
}

const kid = "1";
const redirectUri = "http://localhost/connected";
const scope = "openid offline_access launch/patient patient/Observation.c";

/** Registers a company's application that contributes heart and activity data of the people who connect to it. */
export async function registerApp(operator: Connection, organization: string): Promise<ConnectingApp> {
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
  return { clientId: application!.id, signingKey: privateKey };
}

/** What the application has after a person connected: the id by which it knows them, and its tokens. */
export interface Connected {
  readonly patient: string;
  readonly accessToken: string;
  readonly consent: string;
}

/**
 * A provider connects a patient, without any operator: its server pushes the request (RFC 9126), the person's browser is sent to
 * the exchange, the person agrees there (`agree` grants the consent and gives its id), and the provider redeems the code.
 */
export async function connectPerson(
  origin: string,
  app: ConnectingApp,
  browser: Browser,
  agree: (organization: string) => Promise<string>,
): Promise<Connected> {
  const config = await oauth.discovery(
    new URL(origin),
    app.clientId,
    { token_endpoint_auth_method: "private_key_jwt" },
    oauth.PrivateKeyJwt({ key: app.signingKey, kid }),
    { execute: [oauth.allowInsecureRequests] },
  );
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
  const expectedState = oauth.randomState();
  const toExchange = await oauth.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri,
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    state: expectedState,
  });

  // In the person's browser.
  const page = await browser.visit(toExchange.href);
  const interaction = new URL(page).pathname.split("/").at(-1)!;
  const interactions = createClient(OAuthInteractionService, browser.as());
  const { interaction: asked } = await interactions.getInteraction({ interaction });
  const consent = await agree(asked!.client!.organization);
  const grantedScopes = asked!.scopes.map(({ scope }) => scope);
  const agreed = await interactions.completeInteraction({ interaction, grantedScopes, consents: [consent] });
  const back = await browser.visit(agreed.redirectUri);

  // At the provider's server.
  const tokens = await oauth.authorizationCodeGrant(config, new URL(back), {
    pkceCodeVerifier,
    expectedState,
  });
  return { patient: tokens.claims()!.sub, accessToken: tokens.access_token, consent };
}
