/** Clients that prove themselves by a TLS certificate, and tokens that are bound to one (RFC 8705), at both doors. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect as tlsConnect } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { connect as connectTo } from "@wellapi/client";
import { issueCertificate } from "@wellapi/client/enrolment";
import { createBrowser } from "@wellapi/demo/browser";
import { operatorAt } from "@wellapi/demo/people";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import {
  OAuthClient_GrantType as GrantType,
  OAuthClient_TokenEndpointAuthMethod as Method,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { OrganizationService } from "@wellapi/gen/wellapi/identity/v1/organization_service_pb";
import { PolicyService } from "@wellapi/gen/wellapi/identity/v1/policy_service_pb";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { exportJWK, importX509 } from "jose";
import * as oidc from "openid-client";
import { beforeAll, describe, expect, test } from "vitest";
import { selfSigned } from "../../packages/rpc/test/certificates.ts";
import { certifiedFetch, type TlsIdentity } from "./certified-fetch.ts";
import {
  agree,
  callback,
  clientKey,
  confidential,
  type Registration,
  reasonIn,
  scope,
  type World,
} from "./world.ts";

const scopes = ["system/Organization.r", "system/Observation.rs"];
/** A client that is known by a certificate of the installation, and whose tokens are bound to it. */
export const certified = {
  tokenEndpointAuthMethod: Method.TLS_CLIENT_AUTH,
  tlsClientCertificateBoundAccessTokens: true,
  grantTypes: [GrantType.CLIENT_CREDENTIALS],
  scopes,
} satisfies Registration;

export function describeCertificates(given: () => World): void {
  let world: World;
  let ca: string;
  /** Where clients with certificates call. */
  let mtls: string;
  beforeAll(async () => {
    world = given();
    ca = world.server.authority;
    mtls = world.exchange.mtlsUrl!;
  });

  /** A certificate that the installation has given to the application. */
  async function enrolled(application: string) {
    const { certificate, credential } = await issueCertificate(operatorAt(world.server), application);
    return { tls: certificate as TlsIdentity & typeof certificate, credential };
  }

  function configuration(id: string, tls: TlsIdentity, authentication: oidc.ClientAuth) {
    const client = { use_mtls_endpoint_aliases: true };
    return oidc.discovery(new URL(world.issuer), id, client, authentication, {
      execute: [oidc.allowInsecureRequests],
      [oidc.customFetch]: certifiedFetch(tls) as oidc.CustomFetch,
    });
  }

  /** A backend by its certificate, with a token that is bound to it. */
  async function boundBackend() {
    const id = await world.register(certified);
    const { tls, credential } = await enrolled(id);
    const client = await configuration(id, tls, oidc.TlsClientAuth());
    const { access_token: token } = await oidc.clientCredentialsGrant(client, { scope: scopes[0]! });
    return { id, tls, credential, client, token };
  }

  /** What the token endpoint says to a client with this certificate. */
  async function asked(client_id: string, tls: TlsIdentity, at = mtls): Promise<string> {
    const answer = await certifiedFetch(tls)(`${at}/oauth2/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        scope: scopes[0]!,
        client_id,
      }).toString(),
    });
    const said = (await answer.json()) as { error?: string };
    return said.error ?? "a token";
  }

  /** The outcome of an RPC over HTTP with this certificate. */
  async function called(
    headers: Record<string, string>,
    tls: TlsIdentity,
    at = mtls,
    rpc = "OrganizationService/GetOrganization",
  ): Promise<string> {
    const answer = await certifiedFetch(tls)(`${at}/wellapi.identity.v1.${rpc}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ organization: world.company.organization }),
    });
    if (answer.ok) return "answered";
    return reasonIn(await answer.text());
  }

  /** What `wellapi policy explain` says of the company's application. */
  async function explained(rpc: string, limited: string[] = []): Promise<string> {
    const { permitted, steps } = await createClient(PolicyService, operatorAt(world.server)).explainCall({
      rpc: `wellapi.identity.v1.${rpc}`,
      kind: CallerKind.APPLICATION,
      organization: world.company.organization,
      scopes: limited,
    });
    return permitted ? "answered" : steps.find(({ reason }) => reason !== "")!.reason;
  }

  /** The same at the gRPC door. */
  function calledAtDoor(token: string, certificate: Awaited<ReturnType<typeof enrolled>>["tls"]) {
    const transport = connectTo({
      url: world.server.grpc,
      certificate,
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    const organization = world.company.organization;
    return createClient(OrganizationService, transport)
      .getOrganization({ organization })
      .then(
        () => "answered",
        (error: { reason?: string }) => error.reason,
      );
  }

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  describe("a client with a certificate of the installation", () => {
    test("finds in discovery where to call, and gets a token that is bound to its certificate", async () => {
      const { id, tls, client, token } = await boundBackend();
      expect(client.serverMetadata()).toMatchObject({
        tls_client_certificate_bound_access_tokens: true,
        token_endpoint: `${world.issuer}/oauth2/token`,
        mtls_endpoint_aliases: { token_endpoint: `${mtls}/oauth2/token` },
      });
      const said = await oidc.tokenIntrospection(client, token);
      const digest = createHash("sha256").update(Buffer.from(pemBody(tls.cert!), "base64"));
      expect(said).toMatchObject({
        active: true,
        client_id: id,
        cnf: { "x5t#S256": digest.digest("base64url") },
      });
    });

    test("calls with both at both doors, and neither with the token alone nor beside another certificate", async () => {
      const { id, tls, token } = await boundBackend();
      const other = await enrolled(id);
      const stranger = { ca, ...pairOf(await selfSigned("stranger")) };
      expect(await called(bearer(token), tls)).toBe("answered");
      expect(await called(bearer(token), { ca })).toBe("PROOF_INVALID");
      expect(await called(bearer(token), { ca }, world.issuer)).toBe("PROOF_INVALID");
      expect(await called(bearer(token), other.tls)).toBe("PROOF_INVALID");
      expect(await called(bearer(token), stranger)).toBe("PROOF_INVALID");
      expect(await calledAtDoor(token, tls)).toBe("answered");
      expect(await calledAtDoor(token, other.tls)).toBe("PROOF_INVALID");
    }, 60_000);

    test("says in a header what it likes, and nobody believes it", async () => {
      const { tls, token, id } = await boundBackend();
      const forged = {
        "x-forwarded-client-cert": `Cert="${encodeURIComponent(tls.cert!)}"`,
        "wellapi-client-certificate": pemBody(tls.cert!),
        "x-client-cert": encodeURIComponent(tls.cert!),
      };
      for (const at of [mtls, world.issuer])
        expect(await called({ ...bearer(token), ...forged }, { ca }, at)).toBe("PROOF_INVALID");
      for (const at of [mtls, world.issuer]) expect(await asked(id, { ca }, at)).toBe("invalid_client");
      const answer = await fetch(`${world.issuer}/oauth2/token`, {
        method: "POST",
        headers: forged,
        body: new URLSearchParams({ grant_type: "client_credentials", client_id: id }),
      });
      expect(await answer.json()).toMatchObject({ error: "invalid_client" });
    });

    test("is refused with the certificate of another application, of nobody, and its own once that is revoked", async () => {
      const { id, tls, credential, token } = await boundBackend();
      const other = await boundBackend();
      expect(await asked(id, other.tls)).toBe("invalid_client");
      expect(await asked(id, { ca, ...pairOf(await selfSigned(id)) })).toBe("invalid_client");
      expect(await asked(id, tls)).toBe("a token");
      await createClient(CredentialService, operatorAt(world.server)).revokeCredential({ credential });
      expect(await asked(id, tls)).toBe("invalid_client");
      expect(await called(bearer(token), tls)).toBe("CREDENTIAL_INVALID");
    });

    test("calls RPCs by the certificate alone, as at the gRPC door; an API key beside it is one credential too many", async () => {
      const own: TlsIdentity = world.company.certificate;
      expect(await called({}, own)).toBe("answered");
      expect(await called({ "x-api-key": "wellapi_sk_x" }, own)).toBe("CREDENTIAL_INVALID");
      expect(await called({}, { ca, ...pairOf(await selfSigned("nobody")) })).toBe("CREDENTIAL_INVALID");
    });

    test("meets what policy explain says of it, by its certificate alone and beside a token", async () => {
      const own: TlsIdentity = world.company.certificate;
      for (const rpc of ["OrganizationService/GetOrganization", "OrganizationService/ListOrganizations"])
        expect([rpc, await called({}, own, mtls, rpc)]).toEqual([rpc, await explained(rpc)]);
      expect(await explained("OrganizationService/ListOrganizations")).toBe("CALLER_NOT_PERMITTED");
      const { tls, token } = await boundBackend();
      for (const rpc of ["OrganizationService/GetOrganization", "LimitService/GetLimits"])
        expect([rpc, await called(bearer(token), tls, mtls, rpc)]).toEqual([
          rpc,
          await explained(rpc, [scopes[0]!]),
        ]);
    });

    test("keeps its connection: a session of TLS that is resumed still says whose it is", async () => {
      const { tls, token } = await boundBackend();
      const url = new URL(mtls);
      const address = { host: url.hostname, port: Number(url.port), ca };
      const first = tlsConnect({ ...address, ...tls });
      const [session] = (await once(first, "session")) as [Buffer];
      first.destroy();
      // This handshake shows no certificate: whoever has the session's secret has shown it before.
      const again = tlsConnect({ ...address, session });
      await once(again, "secureConnect");
      expect(again.isSessionReused()).toBe(true);
      const body = JSON.stringify({ organization: world.company.organization });
      again.write(
        `POST /wellapi.identity.v1.OrganizationService/GetOrganization HTTP/1.1\r\nhost: ${url.host}\r\n` +
          `authorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      const text = (await again.toArray()).join("");
      expect(text.split("\r\n")[0]).toBe("HTTP/1.1 200 OK");
    });
  });

  test("a client that registered its own certificate is known by it, and by no other of the same name", async () => {
    const own = await selfSigned("own");
    const jwk = {
      ...(await exportJWK(await importX509(own.certificate, "ES256", { extractable: true }))),
      kid: "k1",
    };
    const keys = [{ ...jwk, x5c: [pemBody(own.certificate)] }];
    const id = await world.register({
      ...certified,
      tokenEndpointAuthMethod: Method.SELF_SIGNED_TLS_CLIENT_AUTH,
      jwks: JSON.stringify({ keys }),
    });
    const tls = { ca, ...pairOf(own) };
    const client = await configuration(id, tls, oidc.TlsClientAuth());
    const { access_token: token } = await oidc.clientCredentialsGrant(client, { scope: scopes[0]! });
    expect(await called(bearer(token), tls)).toBe("answered");
    expect(await called(bearer(token), { ca })).toBe("PROOF_INVALID");
    expect(await asked(id, { ca, ...pairOf(await selfSigned("own")) })).toBe("invalid_client");
    expect(await asked(id, (await enrolled(id)).tls)).toBe("invalid_client");
  });

  test("a provider that signs its assertions binds a patient's tokens to its certificate, and refreshes them", async () => {
    const key = await clientKey();
    const id = await world.register({
      ...confidential,
      jwks: key.jwks,
      tlsClientCertificateBoundAccessTokens: true,
    });
    const { tls } = await enrolled(id);
    const client = await configuration(id, tls, oidc.PrivateKeyJwt({ key: key.key, kid: key.kid }));
    const verifier = oidc.randomPKCECodeVerifier();
    const url = await oidc.buildAuthorizationUrlWithPAR(client, {
      redirect_uri: callback,
      scope,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "s1",
    });
    const browser = createBrowser();
    const page = await browser.get(url);
    const { redirectUri } = await agree(world, page.pathname.split("/").at(-1)!);
    const back = await browser.get(redirectUri);
    const given = await oidc.authorizationCodeGrant(client, back, {
      pkceCodeVerifier: verifier,
      expectedState: "s1",
    });
    const renewed = await oidc.refreshTokenGrant(client, given.refresh_token!);
    const listed = async (tls: TlsIdentity, at = mtls) => {
      const answer = await certifiedFetch(tls)(`${at}/wellapi.records.v1.RecordsService/ListSeries`, {
        method: "POST",
        headers: { ...bearer(renewed.access_token), "content-type": "application/json" },
        body: JSON.stringify({ patient: given.patient, purpose: "PURPOSE_TREATMENT" }),
      });
      return answer.status;
    };
    expect(await listed(tls)).toBe(200);
    expect(await listed({ ca })).toBe(401);
    expect(await listed({ ca }, world.issuer)).toBe(401);
  });

  test("no page takes a session where certificates are asked for, and old TLS is not spoken", async () => {
    const answer = await certifiedFetch({ ca })(`${mtls}/wellapi.identity.v1.AccountService/GetAccount`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        cookie: "__Host-wellapi=anything",
        "sec-fetch-site": "same-origin",
      },
      body: "{}",
    });
    expect(await answer.text()).toContain("CREDENTIAL_REQUIRED");
    const url = new URL(mtls);
    const old = tlsConnect({ host: url.hostname, port: Number(url.port), ca, maxVersion: "TLSv1.2" });
    await expect(once(old, "secureConnect")).rejects.toThrow(/version/i);
  });
}

function pairOf({ certificate, privateKey }: { readonly certificate: string; readonly privateKey: string }) {
  return { cert: certificate, key: privateKey };
}

/** The base64 text of a PEM block. */
function pemBody(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}
