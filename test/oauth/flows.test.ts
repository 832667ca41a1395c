/** Every flow of OAuth 2 and OpenID Connect, by `openid-client` as its README says, against the whole exchange. */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backend, callback, clientKey, confidential, createBrowser, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 120_000);
afterAll(() => world.close());

const scope = "openid offline_access launch/patient patient/Observation.rs";

test("discovery says what is there, under the issuer that it was asked at", async () => {
  const key = await clientKey();
  const id = await world.register({ ...backend, jwks: key.jwks });
  const metadata = (
    await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }))
  ).serverMetadata();
  expect(metadata).toMatchObject({
    issuer: world.issuer,
    authorization_endpoint: `${world.issuer}/oauth2/authorize`,
    token_endpoint: `${world.issuer}/oauth2/token`,
    jwks_uri: `${world.issuer}/.well-known/jwks.json`,
    code_challenge_methods_supported: ["S256"],
    response_types_supported: ["code"],
    subject_types_supported: ["pairwise"],
    authorization_response_iss_parameter_supported: true,
  });
  for (const path of ["oauth-authorization-server", "smart-configuration"]) {
    const response = await fetch(`${world.issuer}/.well-known/${path}`);
    expect(await response.json(), path).toMatchObject({ issuer: world.issuer });
  }
});

test("a backend gets a token of five minutes for one audience, with the scopes that it asked for", async () => {
  const key = await clientKey();
  const id = await world.register({ ...backend, jwks: key.jwks });
  const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
  const token = await oidc.clientCredentialsGrant(configuration, {
    scope: "system/Observation.rs system/Patient.r",
  });
  expect(token.scope).toBe("system/Observation.rs");
  const jwks = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri!));
  const { payload } = await jwtVerify(token.access_token, jwks, {
    issuer: world.issuer,
    audience: `${world.issuer}/api`,
    typ: "at+jwt",
  });
  expect(payload).toMatchObject({ sub: id, client_id: id, scope: "system/Observation.rs" });
  expect(payload.exp! - payload.iat!).toBe(300);
  expect(decodeProtectedHeader(token.access_token)).toMatchObject({ alg: "ES256" });
});

/** The patient connects the app: what `/authorize/<interaction>` does, by its RPCs. */
async function connect(configuration: oidc.Configuration, parameters: Record<string, string>, options = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const challenge = await oidc.calculatePKCECodeChallenge(verifier);
  const pushed = {
    redirect_uri: callback,
    scope,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s1",
    ...parameters,
  };
  const url = await oidc.buildAuthorizationUrlWithPAR(configuration, pushed, options);
  const browser = createBrowser();
  const page = await browser.get(url);
  const interaction = page.pathname.split("/").at(-1)!;
  return { verifier, url, browser, page, interaction };
}

async function agree(interaction: string, scopes = scope.split(" ")) {
  const consents = [await world.consent()];
  const { redirectUri } = await world.interactions.completeInteraction({
    interaction,
    grantedScopes: scopes,
    consents,
  });
  return { redirectUri, consent: consents[0]! };
}

describe("a provider connects a patient", () => {
  test("by code, PAR and PKCE, with the patient's pairwise id as sub, and a refresh token that is replaced", async () => {
    const key = await clientKey("ES256");
    const id = await world.register({ ...confidential, jwks: key.jwks });
    const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const { verifier, browser, page, interaction } = await connect(configuration, {});
    expect(page.pathname).toBe(`/authorize/${interaction}`);
    expect(browser.jar.get("wellapi_interaction")?.value).toBe(interaction);
    const asked = (await world.interactions.getInteraction({ interaction })).interaction!;
    expect(asked.client).toMatchObject({
      application: id,
      organizationName: "Pulse Makers",
      redirectHost: "app.example",
    });
    expect(asked.scopes.map((one) => one.scope)).toEqual(scope.split(" "));
    expect(asked.terms?.categories[0]?.name).toBe("heart");
    const { redirectUri } = await agree(interaction);
    const back = await browser.get(redirectUri);
    expect(back.searchParams.get("iss")).toBe(world.issuer);
    const tokens = await oidc.authorizationCodeGrant(configuration, back, {
      pkceCodeVerifier: verifier,
      expectedState: "s1",
      idTokenExpected: true,
    });
    expect(tokens.scope!.split(" ").sort()).toEqual(scope.split(" ").sort());
    const claims = decodeJwt(tokens.access_token);
    expect(claims.sub).toMatch(/^pat_/);
    expect(tokens.claims()!.sub).toBe(claims.sub);
    expect(tokens.patient).toBe(claims.sub);
    expect(claims.grant).toMatch(/^grn_/);
    const again = await oidc.refreshTokenGrant(configuration, tokens.refresh_token!);
    expect(again.refresh_token).not.toBe(tokens.refresh_token);
    expect(again.scope!.split(" ")).toContain("openid");
  });
});
