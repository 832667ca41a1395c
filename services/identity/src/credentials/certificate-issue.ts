import { createHash } from "node:crypto";
import type { Clock, Ids } from "@wellapi/runtime";
import type { Change } from "@wellapi/store";
import { toCredentialMessage } from "../convert.ts";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { readCertificateRequest } from "./certificate-request.ts";
import type { Credential } from "./credential.ts";

export interface CertificateIssueDeps {
  readonly organizations: OrganizationRepository;
  readonly authority: CertificateAuthority;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A certificate that is signed, and not yet stored. */
export interface SignedCertificate {
  readonly credential: Credential;
  /** Belongs to the commit that stores it: its application still exists. */
  readonly guard: Change;
  /** The answer of the RPC. */
  readonly made: ReturnType<typeof answerOf>;
}

function answerOf(credential: Credential, certificate: string, authority: string) {
  return { credential: toCredentialMessage(credential), certificate, authority };
}

/** Signs a certificate of an application for the key of a signing request. Throws `not_found`, `deleted`, `invalid`. */
export type SignCertificate = (
  application: string,
  certificateRequest: string,
  lifetimeMs: number,
) => Promise<SignedCertificate>;

export function createCertificateIssue(deps: CertificateIssueDeps): SignCertificate {
  const { organizations, authority, trustDomain, clock, ids } = deps;
  return async (asked, certificateRequest, lifetimeMs) => {
    const { id: application, organization } = await organizations.application(asked);
    const guard = await organizations.holding("application", application);
    const publicKey = await readCertificateRequest(certificateRequest);
    const id = ids.next("crd");
    const spiffeId = `spiffe://${trustDomain}/org/${organization}/app/${application}/cred/${id}`;
    const now = clock.now();
    const certificate = await authority.issueClient(publicKey, spiffeId, now + lifetimeMs);
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
    return { credential, guard, made: answerOf(credential, certificate.pem, authority.certificate) };
  };
}
