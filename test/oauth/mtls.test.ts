/** Clients with certificates at one process; mesh.it.test.ts has the same in a mesh. */
import { expect, test } from "vitest";
import { certified, describeCertificates } from "./mtls.ts";
import { inOneProcess, openWorld } from "./world.ts";

inOneProcess(describeCertificates, { WELLAPI_MTLS_PORT: "0" });

test("where nothing asks for certificates, none can be registered, and discovery offers none", async () => {
  const plain = await openWorld();
  try {
    await expect(plain.register(certified)).rejects.toThrow(/asks no client for a certificate/);
    const bound = { ...certified, tokenEndpointAuthMethod: 2, jwks: '{"keys":[]}' };
    await expect(plain.register(bound)).rejects.toThrow(/not offered here/);
    const metadata = await (await fetch(`${plain.issuer}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).not.toHaveProperty("mtls_endpoint_aliases");
    expect(metadata).toMatchObject({
      tls_client_certificate_bound_access_tokens: false,
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    });
  } finally {
    await plain.close();
  }
}, 120_000);
