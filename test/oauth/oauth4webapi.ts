/** The flows of a provider and of a backend by `oauth4webapi`, step by step as its examples do them. */

import { createBrowser } from "@wellapi/demo/browser";
import { generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import { beforeAll, expect, test } from "vitest";
import { agree, backend, callback, clientKey, confidential, scope, type World } from "./world.ts";

export function describeByOauth4webapi(given: () => World): void {
  let world: World;
  let server: oauth.AuthorizationServer;
  const insecure = { [oauth.allowInsecureRequests]: true };

  beforeAll(async () => {
    world = given();
    const issuer = new URL(world.issuer);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  });

  async function clientOf(registration: typeof confidential | typeof backend) {
    const key = await clientKey();
    const client: oauth.Client = { client_id: await world.register({ ...registration, jwks: key.jwks }) };
    return { client, authentication: oauth.PrivateKeyJwt({ key: key.key, kid: key.kid }) };
  }

  test("a provider connects a patient by PAR, PKCE and DPoP, and replaces its refresh token", async () => {
    const { client, authentication } = await clientOf(confidential);
    const DPoP = oauth.DPoP(client, await generateKeyPair("ES256", { extractable: true }));
    const options = { DPoP, ...insecure };
    const verifier = oauth.generateRandomCodeVerifier();
    const pushed = {
      redirect_uri: callback,
      response_type: "code",
      scope,
      state: "s1",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    const push = () => oauth.pushedAuthorizationRequest(server, client, authentication, pushed, options);
    /** Again with the nonce that the server asks for, as the example does. */
    async function withNonce<T>(
      ask: () => Promise<Response>,
      read: (response: Response) => Promise<T>,
    ): Promise<T> {
      try {
        return await read(await ask());
      } catch (error) {
        if (!oauth.isDPoPNonceError(error)) throw error;
        return read(await ask());
      }
    }
    const { request_uri } = await withNonce(push, (answer) =>
      oauth.processPushedAuthorizationResponse(server, client, answer),
    );
    const url = new URL(server.authorization_endpoint!);
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString();
    const browser = createBrowser();
    const page = await browser.get(url);
    const { redirectUri } = await agree(world, page.pathname.split("/").at(-1)!);
    const back = await browser.get(redirectUri);

    const parameters = oauth.validateAuthResponse(server, client, back, "s1");
    const redeem = () =>
      oauth.authorizationCodeGrantRequest(
        server,
        client,
        authentication,
        parameters,
        callback,
        verifier,
        options,
      );
    const tokens = await withNonce(redeem, (answer) =>
      oauth.processAuthorizationCodeResponse(server, client, answer, { requireIdToken: true }),
    );
    expect(tokens.token_type).toBe("dpop");
    expect(oauth.getValidatedIdTokenClaims(tokens)!.sub).toBe(tokens.patient);

    const renew = () =>
      oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token!, options);
    const renewed = await withNonce(renew, (answer) =>
      oauth.processRefreshTokenResponse(server, client, answer),
    );
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
  }, 60_000);

  test("a backend gets a token for itself", async () => {
    const { client, authentication } = await clientOf(backend);
    const asked = { scope: "system/Observation.rs" };
    const token = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, asked, insecure),
    );
    expect(token).toMatchObject({ token_type: "bearer", expires_in: 300, scope: "system/Observation.rs" });
    expect(token.refresh_token).toBeUndefined();
  });
}
