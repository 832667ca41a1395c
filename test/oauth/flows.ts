/** Every flow of OAuth 2 and OpenID Connect, by `openid-client` as its README says, against the whole exchange. */

import { setTimeout } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createBrowser, type PersonsBrowser } from "@wellapi/demo/browser";
import { register } from "@wellapi/demo/registration";
import { AccountService } from "@wellapi/gen/wellapi/identity/v1/account_service_pb";
import { OAuthInteractionService } from "@wellapi/gen/wellapi/identity/v1/oauth_interaction_service_pb";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";
import {
  agree,
  backend,
  cli,
  clientKey,
  confidential,
  connect,
  publicApp,
  scope,
  type World,
} from "./world.ts";

export function describeFlows(given: () => World): void {
  let world: World;
  beforeAll(async () => {
    world = given();
  });

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
    for (const path of [
      "/.well-known/oauth-authorization-server",
      "/.well-known/smart-configuration",
      "/fhir/R4/.well-known/smart-configuration",
    ]) {
      const response = await fetch(`${world.issuer}${path}`);
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
      const { redirectUri } = await agree(world, interaction);
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

    test("with DPoP: tokens are bound to the client's key, by the server's nonces", async () => {
      const key = await clientKey();
      const id = await world.register({ ...confidential, jwks: key.jwks, dpopBoundAccessTokens: true });
      const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
      const DPoP = oidc.getDPoPHandle(configuration, await oidc.randomDPoPKeyPair("ES256"));
      const { verifier, browser, interaction } = await connect(configuration, {}, { DPoP });
      const { redirectUri } = await agree(world, interaction);
      const checks = { pkceCodeVerifier: verifier, expectedState: "s1" };
      const back = await browser.get(redirectUri);
      await expect(oidc.authorizationCodeGrant(configuration, back, checks)).rejects.toMatchObject({
        error: "invalid_grant",
      });
      const tokens = await oidc.authorizationCodeGrant(configuration, back, checks, undefined, { DPoP });
      expect(tokens.token_type).toBe("dpop");
      expect(decodeJwt(tokens.access_token)).toMatchObject({ cnf: { jkt: expect.any(String) } });
    });

    test("who refuses sends the app back with access_denied", async () => {
      const key = await clientKey();
      const id = await world.register({ ...confidential, jwks: key.jwks });
      const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
      const { browser, interaction } = await connect(configuration);
      const { redirectUri } = await world.interactions.abortInteraction({ interaction });
      const back = await browser.get(redirectUri);
      expect(back.searchParams.get("error")).toBe("access_denied");
      expect(back.searchParams.get("iss")).toBe(world.issuer);
    });

    test("an app that asks for a new sign-in gets one: identity compares, whatever a page does", {
      timeout: 60_000,
    }, async () => {
      const key = await clientKey();
      const id = await world.register({ ...confidential, jwks: key.jwks });
      const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
      const sign = (name: string) =>
        register(world.issuer, { name, email: `${name}@example.com`, timeZone: "UTC" });
      const before = await sign("before");
      // OAuth tells when a request began by the second.
      await setTimeout(1_000 - (Date.now() % 1_000));
      const ask = (parameters: Record<string, string>) =>
        connect(configuration, { scope: "openid", ...parameters });
      const complete = (browser: PersonsBrowser, interaction: string) =>
        createClient(OAuthInteractionService, browser.as("account")).completeInteraction({
          interaction,
          grantedScopes: ["openid"],
        });
      const tooOld = { rawMessage: expect.stringContaining("sign in again") };
      for (const [name, value] of [
        ["prompt", "login"],
        ["max_age", "0"],
      ] as const) {
        const { interaction } = await ask({ [name]: value });
        await expect(complete(before.browser, interaction)).rejects.toMatchObject(tooOld);
      }
      const { interaction, verifier, browser } = await ask({ max_age: "3600" });
      const { redirectUri } = await complete(before.browser, interaction);
      const tokens = await oidc.authorizationCodeGrant(configuration, await browser.get(redirectUri), {
        pkceCodeVerifier: verifier,
        expectedState: "s1",
        maxAge: 3_600,
      });
      const authTime = tokens.claims()!.auth_time!;
      const asked = await ask({ prompt: "login" });
      const after = await sign("after");
      await complete(after.browser, asked.interaction);
      // When the person signed in, not when they agreed.
      const { sessions } = await createClient(AccountService, before.browser.as("account")).listSessions({});
      expect(authTime).toBe(Number(sessions[0]!.createTime!.seconds));
    });

    test("the patient leaves a scope out, and no token has it, nor one that was never registered", async () => {
      const key = await clientKey();
      const id = await world.register({ ...confidential, jwks: key.jwks });
      const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
      const asked = "openid patient/Observation.rs patient/Observation.c patient/Condition.rs";
      const { verifier, browser, interaction } = await connect(configuration, { scope: asked });
      const { redirectUri } = await agree(world, interaction, ["openid", "patient/Observation.rs"]);
      const tokens = await oidc.authorizationCodeGrant(configuration, await browser.get(redirectUri), {
        pkceCodeVerifier: verifier,
        expectedState: "s1",
      });
      expect(decodeJwt(tokens.access_token).scope).toBe("patient/Observation.rs");
      expect(tokens.refresh_token).toBeUndefined();
    });
  });

  test("a patient's own app of SMART: public, without PAR and without prompt, and still with a refresh token", async () => {
    const id = await world.register(publicApp);
    const configuration = await world.configuration(id, oidc.None());
    const verifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: publicApp.redirectUris[0]!,
      scope,
      aud: `${world.issuer}/fhir/R4`,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "s1",
    });
    const browser = createBrowser();
    const interaction = (await browser.get(url)).pathname.split("/").at(-1)!;
    const { redirectUri } = await agree(world, interaction);
    const tokens = await oidc.authorizationCodeGrant(configuration, await browser.get(redirectUri), {
      pkceCodeVerifier: verifier,
      expectedState: "s1",
    });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: `${world.issuer}/fhir` });
    expect(tokens.patient).toBe(world.person.id.replace("_", "-"));
    expect(tokens.refresh_token).toBeDefined();
  });

  test("the command line signs in by the device flow, without an organization", async () => {
    const configuration = await world.configuration(cli, oidc.None());
    const device = await oidc.initiateDeviceAuthorization(configuration, {
      scope: "openid offline_access patient/Observation.rs",
    });
    expect(device.verification_uri).toBe(`${world.issuer}/device`);
    const { interaction } = await world.interactions.openDeviceInteraction({
      userCode: device.user_code.toLowerCase().replace("-", " "),
    });
    expect(interaction).toMatchObject({
      userCode: device.user_code,
      client: { organizationName: "This installation" },
    });
    const grantedScopes = interaction!.scopes.map((one) => one.scope);
    await world.interactions.completeInteraction({ interaction: interaction!.id, grantedScopes });
    const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, { ...device, interval: 0 });
    expect(tokens.refresh_token).toBeDefined();
    expect(decodeJwt(tokens.access_token)).toMatchObject({ client_id: cli, sub: world.person.id });
    await expect(world.interactions.openDeviceInteraction({ userCode: device.user_code })).rejects.toThrow(
      /no such/,
    );
  });
}
