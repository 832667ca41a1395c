import { createHash } from "node:crypto";
import type { ServiceImpl } from "@connectrpc/connect";
import { CredentialService } from "@wellapi/gen/wellapi/identity/v1/credential_service_pb";
import type { Follower } from "@wellapi/journal";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Accesses } from "./access-interceptor.ts";
import { apiKeyFingerprint, apiKeyHint, newApiKey } from "./api-key.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { readCertificateRequest } from "./certificate-request.ts";
import { fromLifetime, toCredentialMessage } from "./convert.ts";
import { type Credential, lifetimes } from "./credential.ts";
import type { CredentialRepository } from "./credential-repository.ts";
import { revocationOf, writeDown } from "./journal-entries.ts";
import type { OrganizationRepository } from "./organization-repository.ts";

const { method } = CredentialService;

export function createCredentialHandlers(deps: {
  readonly accesses: Accesses;
  readonly organizations: OrganizationRepository;
  readonly credentials: CredentialRepository;
  readonly authority: CertificateAuthority;
  readonly trustDomain: string;
  readonly journal: Pick<Follower, "owed" | "tell">;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told after a revocation is durable. */
  readonly revoked: (credential: string) => void;
}): ServiceImpl<typeof CredentialService> {
  const { accesses, organizations, credentials, authority, trustDomain, journal, clock, ids, revoked } = deps;
  return {
    issueCertificate(request, context) {
      return accesses.logged(context, method.issueCertificate, "", async ({ commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.certificate);
        const { id: application, organization } = await organizations.application(request.application);
        const publicKey = await readCertificateRequest(request.certificateRequest);
        const id = ids.next("crd");
        const spiffeId = `spiffe://${trustDomain}/org/${organization}/app/${application}/cred/${id}`;
        const now = clock.now();
        const certificate = await authority.issueClient(publicKey, spiffeId, now + lifetime);
        const fingerprint = createHash("sha256").update(certificate.der).digest("hex");
        const credential: Credential = {
          id,
          kind: "certificate",
          holder: { kind: "application", application, organization },
          fingerprint,
          createTime: now,
          expireTime: certificate.expireTime,
          hint: fingerprint,
        };
        await credentials.insert(credential, commit());
        return {
          credential: toCredentialMessage(credential),
          certificate: certificate.pem,
          authority: authority.certificate,
        };
      });
    },
    createApiKey(request, context) {
      return accesses.logged(context, method.createApiKey, "", async ({ commit }) => {
        const lifetime = fromLifetime(request.lifetime, lifetimes.apiKey);
        const { id: application, organization } = await organizations.application(request.application);
        const apiKey = newApiKey();
        const now = clock.now();
        const credential: Credential = {
          id: ids.next("crd"),
          kind: "api_key",
          holder: { kind: "application", application, organization },
          fingerprint: apiKeyFingerprint(apiKey),
          createTime: now,
          expireTime: now + lifetime,
          hint: apiKeyHint(apiKey),
        };
        await credentials.insert(credential, commit());
        return { credential: toCredentialMessage(credential), apiKey };
      });
    },
    revokeCredential(request, context) {
      return accesses.logged(context, method.revokeCredential, "", async ({ commit }) => {
        const { credential, changed } = await credentials.revoke(
          request.credential,
          clock.now(),
          commit(),
          (credential) => [journal.owed(revocationOf(credential))],
        );
        if (changed) revoked(credential.id);
        // Also for one that was revoked before: then an earlier call may have failed here.
        await writeDown(journal, revocationOf(credential));
        return { credential: toCredentialMessage(credential) };
      });
    },
    async listCredentials({ application }) {
      const { id } = await organizations.application(application);
      return { credentials: (await credentials.ofApplication(id)).map(toCredentialMessage) };
    },
  };
}
