/** What the tokens of real flows reach at the doors: `openid-client` gets them, proves them, and calls the RPCs. */
import { createClient } from "@connectrpc/connect";
import { connect as connectTo } from "@wellapi/client";
import { createBrowser } from "@wellapi/demo/browser";
import { grant } from "@wellapi/demo/consents";
import { enrolPerson, operatorAt } from "@wellapi/demo/people";
import { Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { ConsentService } from "@wellapi/gen/wellapi/consent/v1/consent_service_pb";
import { Grant_Kind, GrantService } from "@wellapi/gen/wellapi/identity/v1/grant_service_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import * as oidc from "openid-client";
import { beforeAll, expect, test } from "vitest";
import { decided } from "../decided.ts";
import {
  agree,
  backend,
  clientKey,
  confidential,
  connect,
  publicApp,
  reasonIn,
  scope,
  type World,
} from "./world.ts";

export function describeDoors(given: () => World): void {
  let world: World;
  beforeAll(async () => {
    world = given();
  });

  const checks = (verifier: string) => ({ pkceCodeVerifier: verifier, expectedState: "s1" });

  /** An RPC at the gateway, as a client of HTTP calls it; the library makes the proof and takes the nonce. */
  const call = (...asked: Parameters<typeof callOnce>) => decided(() => callOnce(...asked));
  async function callOnce(
    configuration: oidc.Configuration,
    token: string,
    rpc: string,
    message: object,
    DPoP?: oidc.DPoPHandle,
  ): Promise<string> {
    const url = new URL(`${world.issuer}/wellapi.${rpc}`);
    const headers = new Headers({ "content-type": "application/json" });
    const ask = () =>
      oidc.fetchProtectedResource(configuration, token, url, "POST", JSON.stringify(message), headers, {
        ...(DPoP && { DPoP }),
      });
    const response = await ask().catch((error: { response?: Response }) => error.response!);
    if (response.ok) return "answered";
    return reasonIn(await response.text());
  }

  const reading = (patient: string) => ({
    patient,
    code: { code: "8867-4" },
    purpose: "PURPOSE_TREATMENT",
  });
  const query = "records.v1.RecordsService/QuerySeries";

  test("a connected app reads that patient alone, by its key, until the patient takes the consent back", async () => {
    const key = await clientKey();
    const id = await world.register({ ...confidential, jwks: key.jwks, dpopBoundAccessTokens: true });
    const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const DPoP = oidc.getDPoPHandle(configuration, await oidc.randomDPoPKeyPair("ES256"));
    const { verifier, browser, interaction } = await connect(configuration, {}, { DPoP });
    const { redirectUri, consent } = await agree(world, interaction);
    const back = await browser.get(redirectUri);
    const given = await oidc.authorizationCodeGrant(configuration, back, checks(verifier), undefined, {
      DPoP,
    });
    const token = given.access_token;
    const patient = String(given.patient);

    // The first proof has no nonce of the door; the library comes back with it.
    expect(await call(configuration, token, query, reading(patient), DPoP)).toBe("answered");
    expect(await call(configuration, token, query, reading(patient), DPoP)).toBe("answered");
    expect(await call(configuration, token, query, reading(patient))).toBe("PROOF_INVALID");

    // Another patient has given the same organization the same consent, but not by this token.
    const ben = await enrolPerson(world.server, "Ben");
    await grant(ben, world.company, Direction.READ);
    const { consents } = await createClient(ConsentService, world.company.transport).listConsents({});
    const others = consents.map((one) => one.patient).filter((one) => one !== patient);
    expect(others).toHaveLength(1);
    expect(await call(configuration, token, query, reading(others[0]!), DPoP)).toBe("SCOPE_REQUIRED");
    // Scopes that it was not given.
    expect(await call(configuration, token, "consent.v1.ConsentService/ListConsents", {}, DPoP)).toBe(
      "SCOPE_REQUIRED",
    );

    await createClient(ConsentService, world.person.transport).revokeConsent({ consent });
    expect(await call(configuration, token, query, reading(patient), DPoP)).toBe("CREDENTIAL_INVALID");
  }, 60_000);

  test("the door forgets at once what it has believed of a token whose consent is taken back", async () => {
    const key = await clientKey();
    const id = await world.register({ ...confidential, jwks: key.jwks });
    const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const { verifier, browser, interaction } = await connect(configuration);
    const { redirectUri, consent } = await agree(world, interaction);
    const given = await oidc.authorizationCodeGrant(
      configuration,
      await browser.get(redirectUri),
      checks(verifier),
    );
    const asked = reading(String(given.patient));
    expect(await call(configuration, given.access_token, query, asked)).toBe("answered");
    await createClient(ConsentService, world.person.transport).revokeConsent({ consent });
    expect(await call(configuration, given.access_token, query, asked)).toBe("CREDENTIAL_INVALID");
  }, 60_000);

  test("the patient sees what is connected, and ends it: its tokens are refused, the consent stays", async () => {
    const key = await clientKey();
    const id = await world.register({ ...confidential, jwks: key.jwks });
    const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const { verifier, browser, interaction } = await connect(configuration);
    const { redirectUri, consent } = await agree(world, interaction);
    const back = await browser.get(redirectUri);
    const given = await oidc.authorizationCodeGrant(configuration, back, checks(verifier));
    const asked = reading(String(given.patient));
    expect(await call(configuration, given.access_token, query, asked)).toBe("answered");

    const grants = createClient(GrantService, world.person.transport);
    const { grants: listed } = await grants.listGrants({});
    expect(listed[0]).toMatchObject({ application: id, kind: Grant_Kind.CONNECT, consents: [consent] });
    expect(await grants.endGrants({ grants: [listed[0]!.id] })).toMatchObject({ ended: 1 });
    expect(await call(configuration, given.access_token, query, asked)).toBe("CREDENTIAL_INVALID");
    await expect(oidc.refreshTokenGrant(configuration, given.refresh_token!)).rejects.toMatchObject({
      error: "invalid_grant",
    });
    const { consent: after } = await createClient(ConsentService, world.person.transport).getConsent({
      consent,
    });
    expect(after?.state).toBe(Consent_State.ACTIVE);
  }, 60_000);

  test("a patient's own app acts as the patient, within its scopes, and cannot erase", async () => {
    const id = await world.register(publicApp);
    const configuration = await world.configuration(id, oidc.None());
    const verifier = oidc.randomPKCECodeVerifier();
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: publicApp.redirectUris[0]!,
      scope,
      aud: `${world.issuer}/api`,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "s1",
    });
    const browser = createBrowser();
    const interaction = (await browser.get(url)).pathname.split("/").at(-1)!;
    const { redirectUri } = await agree(world, interaction);
    const back = await browser.get(redirectUri);
    const given = await oidc.authorizationCodeGrant(configuration, back, checks(verifier));
    const own = { ...reading(String(given.patient)), purpose: "PURPOSE_PATIENT_REQUEST" };
    expect(await call(configuration, given.access_token, query, own)).toBe("answered");
    const erase = { patient: own.patient };
    expect(
      await call(configuration, given.access_token, "records.v1.RecordsService/ErasePatient", erase),
    ).toBe("SCOPE_REQUIRED");
  }, 60_000);

  test("a backend calls with its token, at the gRPC door beside its own certificate alone, until its application is disabled", async () => {
    const key = await clientKey();
    const id = await world.register({
      ...backend,
      scopes: ["system/Organization.r", "system/Observation.rs"],
      jwks: key.jwks,
    });
    const configuration = await world.configuration(id, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const { access_token: token } = await oidc.clientCredentialsGrant(configuration, {
      scope: "system/Organization.r",
    });
    const rpc = "identity.v1.OrganizationService/GetOrganization";
    const asked = { organization: world.company.organization };
    expect(await call(configuration, token, rpc, asked)).toBe("answered");
    // The certificate of the connection has to be the token's client's own.
    const foreign = connectTo({
      url: world.server.grpc,
      certificate: world.company.certificate,
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    await expect(createClient(OrganizationService, foreign).getOrganization(asked)).rejects.toMatchObject({
      reason: "PROOF_INVALID",
    });
    await createClient(OrganizationService, operatorAt(world.server)).disableApplication({ application: id });
    expect(await call(configuration, token, rpc, asked)).toBe("CREDENTIAL_INVALID");
  }, 60_000);
}
