/** What is refused, and what ends with what: replays, theft, tricks, and consents that are taken back. */
import { createClient } from "@connectrpc/connect";
import { connect as connectTo } from "@wellapi/client";
import { createBrowser } from "@wellapi/demo/browser";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { SignJWT } from "jose";
import * as oidc from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";
import {
  agree,
  backend,
  callback,
  clientKey,
  confidentialClient,
  connect,
  connected,
  publicApp,
  scope,
  type World,
} from "./world.ts";

export function describeRefusals(given: () => World): void {
  let world: World;
  beforeAll(async () => {
    world = given();
  });

  const post = async (path: string, parameters: Record<string, string>) => {
    const response = await fetch(`${world.issuer}/oauth2/${path}`, {
      method: "POST",
      body: new URLSearchParams(parameters),
      redirect: "manual",
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, string> };
  };

  /** What the exchange says of an access token at the gateway. */
  async function atDoor(token: string): Promise<string> {
    const consents = createClient(ConsentService, connectTo({ url: world.server.http, apiKey: token }));
    return consents.listConsents({}).then(
      () => "taken",
      (error: { rawMessage: string }) => error.rawMessage,
    );
  }

  describe("codes", () => {
    test("a code is used once; a second use ends what the first has given, and leaves the consent", async () => {
      const { configuration } = await confidentialClient(world);
      const { tokens, consent } = await connected(world, configuration);
      const first = await tokens();
      await expect(tokens()).rejects.toMatchObject({ error: "invalid_grant" });
      await expect(oidc.refreshTokenGrant(configuration, first.refresh_token!)).rejects.toMatchObject({
        error: "invalid_grant",
      });
      const { consent: left } = await createClient(ConsentService, world.person.transport).getConsent({
        consent,
      });
      expect(left!.revokeTime).toBeUndefined();
    });

    test("of many uses at the same time at most one is answered with tokens", async () => {
      const { configuration } = await confidentialClient(world);
      const { tokens } = await connected(world, configuration);
      const answers = await Promise.allSettled([1, 2, 3, 4].map(tokens));
      expect(answers.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
    });

    test("with another verifier, or another redirect, it is refused", async () => {
      const { configuration } = await confidentialClient(world);
      const one = await connected(world, configuration);
      const other = { ...one.checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
      const refused = { error: "invalid_grant" };
      await expect(oidc.authorizationCodeGrant(configuration, one.back, other)).rejects.toMatchObject(
        refused,
      );
      const two = await connected(world, configuration);
      const elsewhere = new URL(two.back.href.replace("app.example", "evil.example"));
      await expect(oidc.authorizationCodeGrant(configuration, elsewhere, two.checks)).rejects.toMatchObject(
        refused,
      );
    });

    test("of another client, it is refused", async () => {
      const mine = await confidentialClient(world);
      const other = await confidentialClient(world);
      const { back, checks } = await connected(world, mine.configuration);
      const stolen = oidc.authorizationCodeGrant(other.configuration, back, checks);
      await expect(stolen).rejects.toMatchObject({ error: "invalid_grant" });
    });
  });

  describe("refresh tokens", () => {
    test("one that was used ends the family, the newest too, and leaves the consent", async () => {
      const { configuration } = await confidentialClient(world);
      const { tokens, consent } = await connected(world, configuration);
      const first = await tokens();
      const second = await oidc.refreshTokenGrant(configuration, first.refresh_token!);
      const refused = { error: "invalid_grant" };
      await expect(oidc.refreshTokenGrant(configuration, first.refresh_token!)).rejects.toMatchObject(
        refused,
      );
      await expect(oidc.refreshTokenGrant(configuration, second.refresh_token!)).rejects.toMatchObject(
        refused,
      );
      expect(await atDoor(second.access_token)).toMatch(/has ended/);
      const { consent: left } = await createClient(ConsentService, world.person.transport).getConsent({
        consent,
      });
      expect(left!.revokeTime).toBeUndefined();
    });

    test("a public client need not name itself; a client that proves itself is nobody without its proof", async () => {
      const open = await world.configuration(await world.register(publicApp), oidc.None());
      const verifier = oidc.randomPKCECodeVerifier();
      const url = oidc.buildAuthorizationUrl(open, {
        redirect_uri: publicApp.redirectUris[0]!,
        scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state: "s1",
      });
      const browser = createBrowser();
      const { redirectUri } = await agree(world, (await browser.get(url)).pathname.split("/").at(-1)!);
      const checks = { pkceCodeVerifier: verifier, expectedState: "s1" };
      const own = await oidc.authorizationCodeGrant(open, await browser.get(redirectUri), checks);
      const refresh = (refresh_token: string) =>
        post("token", { grant_type: "refresh_token", refresh_token });
      const renewed = await refresh(own.refresh_token!);
      expect([renewed.status, renewed.body.token_type]).toEqual([200, "Bearer"]);
      expect((await refresh(own.refresh_token!)).body.error).toBe("invalid_grant"); // it is rotated
      const { configuration } = await confidentialClient(world);
      const proven = await (await connected(world, configuration)).tokens();
      expect(await refresh(proven.refresh_token!)).toMatchObject({
        status: 401,
        body: { error: "invalid_client" },
      });
      expect((await oidc.refreshTokenGrant(configuration, proven.refresh_token!)).access_token).toBeDefined();
      expect((await refresh("nobody's")).status).toBeGreaterThanOrEqual(400);
    });

    test("a consent that the patient takes back ends them, and the access token", async () => {
      const { configuration } = await confidentialClient(world);
      const { tokens, consent } = await connected(world, configuration);
      const given = await tokens();
      expect(await atDoor(given.access_token)).not.toMatch(/has ended/);
      await createClient(ConsentService, world.person.transport).revokeConsent({ consent });
      const refreshed = oidc.refreshTokenGrant(configuration, given.refresh_token!);
      await expect(refreshed).rejects.toMatchObject({ error: "invalid_grant" });
      await expect.poll(() => atDoor(given.access_token), { timeout: 15_000 }).toMatch(/has ended/);
    });

    test("a code whose consent was taken back before it was used gives nothing", async () => {
      const { configuration } = await confidentialClient(world);
      const { tokens, consent } = await connected(world, configuration);
      await createClient(ConsentService, world.person.transport).revokeConsent({ consent });
      await expect(tokens()).rejects.toMatchObject({ error: "invalid_grant" });
    });

    test("revocation and logout end them; introspection then says so", async () => {
      const { configuration } = await confidentialClient(world);
      const one = await (await connected(world, configuration)).tokens();
      expect(await oidc.tokenIntrospection(configuration, one.access_token)).toMatchObject({ active: true });
      await oidc.tokenRevocation(configuration, one.access_token);
      expect(await oidc.tokenIntrospection(configuration, one.access_token)).toEqual({ active: false });
      await expect(oidc.refreshTokenGrant(configuration, one.refresh_token!)).rejects.toThrow();
      const two = await (await connected(world, configuration)).tokens();
      const response = await fetch(oidc.buildEndSessionUrl(configuration, { id_token_hint: two.id_token! }));
      expect(response.status).toBe(204);
      await expect(oidc.refreshTokenGrant(configuration, two.refresh_token!)).rejects.toThrow();
    });
  });

  describe("clients", () => {
    test("an assertion is used once, lives five minutes at most, and is signed by a registered key", async () => {
      const key = await clientKey();
      const id = await world.register({ ...backend, jwks: key.jwks });
      const assertion = (claims: object, signer = key, alg = "ES384") =>
        new SignJWT({ iss: id, sub: id, aud: world.issuer, jti: crypto.randomUUID(), ...claims })
          .setProtectedHeader({ alg, kid: "k1" })
          .setIssuedAt()
          .sign(signer.key);
      const exp = Math.floor(Date.now() / 1_000) + 60;
      const ask = (client_assertion: string) =>
        post("token", {
          grant_type: "client_credentials",
          scope: "system/Observation.rs",
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion,
        });
      const good = await assertion({ exp });
      const twice = await Promise.all([ask(good), ask(good)]);
      expect(twice.map(({ status }) => status).sort()).toEqual([200, 401]);
      for (const bad of [
        await assertion({ exp: exp + 900 }),
        await assertion({ exp: exp - 600 }),
        await assertion({ exp, aud: "https://other.example" }),
        await assertion({ exp }, await clientKey()),
        `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`,
      ]) {
        expect((await ask(bad)).status).toBe(401);
      }
      expect((await ask(await assertion({ exp: exp - 90 }))).status).toBe(200); // a minute of skew
    });

    test("a confidential client has to push, and nobody can use its request_uri but itself, once", async () => {
      const mine = await confidentialClient(world);
      const other = await confidentialClient(world);
      const unpushed = oidc.buildAuthorizationUrl(mine.configuration, { redirect_uri: callback, scope });
      const back = await createBrowser().get(unpushed);
      expect(back.searchParams.get("error_description")).toMatch(/Pushed Authorization Request must be used/);
      const { url, interaction, browser } = await connect(mine.configuration);
      const foreign = new URL(url);
      foreign.searchParams.set("client_id", other.id);
      await expect(createBrowser().get(foreign)).rejects.toThrow(/400/);
      const { redirectUri } = await agree(world, interaction);
      await browser.get(redirectUri);
      await expect(createBrowser().get(url)).rejects.toThrow(/already used/);
    });

    test("implicit, hybrid, plain PKCE and none, and answers in fragments or forms, do not exist", async () => {
      const id = await world.register(publicApp);
      const redirect_uri = publicApp.redirectUris[0]!;
      const challenge = await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier());
      const good = {
        client_id: id,
        redirect_uri,
        scope,
        state: "s",
        response_type: "code",
        code_challenge: challenge,
        code_challenge_method: "S256",
      };
      const outcome = async (changes: Record<string, string>) => {
        const url = new URL(
          `${world.issuer}/oauth2/authorize?${new URLSearchParams({ ...good, ...changes })}`,
        );
        return createBrowser()
          .get(url)
          .then(
            (to) =>
              to.searchParams.get("error") ?? new URLSearchParams(to.hash.slice(1)).get("error") ?? "asked",
            (error: Error) => error.message,
          );
      };
      expect(await outcome({})).toBe("asked");
      for (const response_type of ["token", "id_token", "code id_token", "code token", "none"])
        expect(await outcome({ response_type }), response_type).toMatch(
          /unsupported_response_type|unauthorized_client|invalid/,
        );
      expect(await outcome({ code_challenge_method: "plain" })).toMatch(/invalid_request/);
      expect(await outcome({ code_challenge: "" })).toMatch(/invalid_request/);
      for (const response_mode of ["fragment", "form_post"])
        expect(await outcome({ response_mode })).toMatch(/invalid_request/);
      expect(await outcome({ redirect_uri: `${redirect_uri}/x` })).toMatch(/invalid_redirect_uri|400/);
      expect(await outcome({ redirect_uri: redirect_uri.replace("21099", "21098") })).toMatch(
        /invalid_redirect_uri|400/,
      );
      expect(await outcome({ resource: "https://other.example" })).toMatch(/invalid_target/);
    });

    test("a registration that is not safe is refused with the field that has to change", async () => {
      const key = await clientKey();
      const refused = async (change: object) =>
        world.register({ ...publicApp, ...change }).then(
          () => "taken",
          (error: { rawMessage: string }) => error.rawMessage,
        );
      for (const uri of [
        "http://app.example/cb",
        "https://*.example/cb",
        "https://a.example/#x",
        "https://u:p@a.example/",
        "javascript:alert(1)",
        "myapp:/cb",
      ])
        expect(await refused({ redirectUris: [uri] }), uri).toMatch(/redirect_uris/);
      expect(await refused({ scopes: ["patient/Evil.x"] })).toMatch(/scopes/);
      // A person's own place: the installation's command line has it alone.
      for (const scope of ["wellapi:carers", "wellapi:account", "wellapi:organization", "wellapi:staff"]) {
        expect(await refused({ scopes: ["openid", scope] })).toMatch(/scopes/);
      }
      expect(await refused({ connectTerms: undefined })).toMatch(/connect_terms/);
      expect(
        await refused({ jwks: JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "a" }] }) }),
      ).toMatch(/private part/);
      expect(await refused({ jwks: "{}" })).toMatch(/jwks/);
      expect(await refused({ grantTypes: [2], redirectUris: [] })).toMatch(/grant_types|client_credentials/);
      expect(key.jwks).not.toContain('"d"');
    });
  });

  describe("interactions", () => {
    test("a grant on data stands on a consent in force, for this organization, of this patient", async () => {
      const { configuration } = await confidentialClient(world);
      const { interaction } = await connect(configuration);
      const complete = (consents: string[], grantedScopes = scope.split(" ")) =>
        world.interactions.completeInteraction({ interaction, grantedScopes, consents }).then(
          () => "completed",
          (error: { rawMessage: string }) => error.rawMessage,
        );
      expect(await complete([])).toMatch(/stands on a consent/);
      expect(await complete(["con_00000000000000000000000000"])).toMatch(/not in force/);
      const consent = await world.consent();
      expect(await complete([consent], ["patient/Condition.rs"])).toMatch(/was not asked for/);
      await createClient(ConsentService, world.person.transport).revokeConsent({ consent });
      expect(await complete([consent])).toMatch(/not in force/);
      expect(await complete([await world.consent()])).toBe("completed");
    });

    test("another browser cannot finish what this one began", async () => {
      const { configuration } = await confidentialClient(world);
      const { interaction } = await connect(configuration);
      const { redirectUri } = await agree(world, interaction);
      await expect(createBrowser().get(redirectUri)).rejects.toThrow(/400/);
    });
  });
}
