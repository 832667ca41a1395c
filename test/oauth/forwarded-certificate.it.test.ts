/** TLS ends at a proxy in front: the gateway believes what that says of the client's certificate, where it is told to. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueCertificate } from "@wellapi/client/enrolment";
import { operatorAt } from "@wellapi/demo/people";
import {
  OAuthClient_GrantType as GrantType,
  OAuthClient_TokenEndpointAuthMethod as Method,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { parseExchangeConfig } from "@wellapi/host";
import { freePorts } from "@wellapi/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority, selfSigned } from "../../packages/rpc/test/certificates.ts";
import { openTools, ToolsError } from "../../scripts/tools.ts";
import { certifiedFetch, type TlsIdentity } from "./certified-fetch.ts";
import { type Edge, openEnvoyEdge } from "./envoy-edge.ts";
import { openWorld, type World } from "./world.ts";

/** Whether Envoy can be had. A laptop skips, and says so; CI fails. */
async function envoyCanBeHad(): Promise<boolean> {
  try {
    await openTools(["envoy"]);
    return true;
  } catch (error) {
    if (!(error instanceof ToolsError) || process.env.CI) throw error;
    process.stderr.write(`\nSKIPPED: certificates behind a proxy were not tested: ${error.message}\n\n`);
    return false;
  }
}

describe.skipIf(!(await envoyCanBeHad()))("behind an Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "wellapi-envoy-"));
  let world: World;
  let edge: Edge;
  let ca: string;
  let id: string;
  let own: TlsIdentity;

  beforeAll(async () => {
    const [port] = await freePorts(1);
    world = await openWorld({
      WELLAPI_CLIENT_CERT_FROM: "proxy",
      WELLAPI_TRUSTED_PROXIES: "1",
      WELLAPI_MTLS_ORIGIN: `https://localhost:${port}`,
    });
    const authority = await createAuthority("public authority");
    ca = authority.certificate;
    const { certificate, privateKey } = await authority.issue({ name: "edge" });
    const gatewayPort = Number(new URL(world.server.http).port);
    edge = await openEnvoyEdge({ folder, port: port!, gatewayPort, certificate, privateKey });
    id = await world.register({
      tokenEndpointAuthMethod: Method.TLS_CLIENT_AUTH,
      tlsClientCertificateBoundAccessTokens: true,
      grantTypes: [GrantType.CLIENT_CREDENTIALS],
      scopes: ["system/Organization.r"],
    });
    const issued = await issueCertificate(operatorAt(world.server), id);
    own = { ca, cert: issued.certificate.cert, key: issued.certificate.key };
  });
  afterAll(async () => {
    await edge?.close();
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function token(tls: TlsIdentity, headers: Record<string, string> = {}) {
    const answer = await certifiedFetch(tls)(`${edge.url}/oauth2/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        scope: "system/Organization.r",
        client_id: id,
      }).toString(),
    });
    return (await answer.json()) as { error?: string; access_token?: string };
  }

  async function call(given: string, tls: TlsIdentity, headers: Record<string, string> = {}) {
    const url = `${edge.url}/wellapi.identity.v1.OrganizationService/GetOrganization`;
    const answer = await certifiedFetch(tls)(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${given}`, ...headers },
      body: JSON.stringify({ organization: world.company.organization }),
    });
    return answer.status;
  }

  test("a client is known by its certificate, and its token is good with that alone, whatever it says itself", async () => {
    const given = await token(own);
    expect(given.error).toBeUndefined();
    expect(await call(given.access_token!, own)).toBe(200);
    const forged = { "x-forwarded-client-cert": `Cert="${encodeURIComponent(own.cert!)}"` };
    const { certificate, privateKey } = await selfSigned(id);
    for (const tls of [{ ca }, { ca, cert: certificate, key: privateKey }]) {
      expect((await token(tls, forged)).error).toBe("invalid_client");
      expect(await call(given.access_token!, tls, forged)).toBe(401);
    }
  });

  test("clients are told to call there", async () => {
    const metadata = await fetch(`${world.issuer}/.well-known/openid-configuration`);
    expect(await metadata.json()).toMatchObject({
      mtls_endpoint_aliases: { token_endpoint: `${edge.url}/oauth2/token` },
    });
  });
});

test("without a proxy in front, or beside a listener of its own, nobody is believed", () => {
  const parse = (env: Record<string, string>) => () => parseExchangeConfig(env);
  expect(parse({ WELLAPI_CLIENT_CERT_FROM: "proxy" })).toThrow(/WELLAPI_TRUSTED_PROXIES/);
  const both = { WELLAPI_CLIENT_CERT_FROM: "proxy", WELLAPI_TRUSTED_PROXIES: "1", WELLAPI_MTLS_PORT: "0" };
  expect(parse(both)).toThrow(/not both/);
  expect(parse({ WELLAPI_CLIENT_CERT_FROM: "anybody" })).toThrow(/WELLAPI_CLIENT_CERT_FROM is not valid/);
  expect(parse({ WELLAPI_MTLS_ORIGIN: "http://mtls.example" })).toThrow(/WELLAPI_MTLS_ORIGIN is not valid/);
});
