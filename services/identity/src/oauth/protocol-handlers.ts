import { createHash, X509Certificate } from "node:crypto";
import type { ServiceImpl } from "@connectrpc/connect";
import type { OAuthProtocolService } from "@wellapi/gen/wellapi/internal/identity/v1/oauth_protocol_service_pb";
import type { Clock } from "@wellapi/runtime";
import type { CertificateAuthority } from "../credentials/certificate-authority.ts";
import { standingOf } from "../credentials/credential.ts";
import type { CredentialRepository } from "../credentials/credential-repository.ts";
import type { Protocol } from "./protocol.ts";
import type { ShownCertificate } from "./provider.ts";

export function createProtocolHandlers(deps: {
  readonly protocol: Protocol;
  readonly authority: Pick<CertificateAuthority, "verifyClient">;
  readonly credentials: Pick<CredentialRepository, "findByFingerprint">;
  readonly clock: Clock;
}): ServiceImpl<typeof OAuthProtocolService> {
  const { protocol, authority, credentials, clock } = deps;

  /** Whether a certificate is one of ours, in force, is looked up; every certificate may be one that a client registered. */
  async function shown(der: Uint8Array): Promise<ShownCertificate | undefined> {
    if (der.length === 0) return undefined;
    const pem = new X509Certificate(der).toString();
    try {
      authority.verifyClient(der);
    } catch {
      return { pem, application: undefined };
    }
    const fingerprint = createHash("sha256").update(der).digest("hex");
    const credential = await credentials.findByFingerprint(fingerprint);
    const inForce = credential !== undefined && standingOf(credential, clock.now()) === "in force";
    const holder = inForce ? credential.holder : undefined;
    return { pem, application: holder?.kind === "application" ? holder.application : undefined };
  }

  return {
    async handle({ method, target, headers, body, clientCertificate }) {
      const answer = await protocol.handle({
        method,
        target,
        headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
        body: Buffer.from(body).toString("utf8"),
        certificate: await shown(clientCertificate),
      });
      return {
        status: answer.status,
        headers: answer.headers.map(([name, value]) => ({ name, value })),
        body: Buffer.from(answer.body),
      };
    },
  };
}
