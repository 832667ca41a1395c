import type { ServiceImpl } from "@connectrpc/connect";
import type { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { readCertificateRequest } from "./certificate-request.ts";

/** No leaf: the call reads and changes no data of anybody. */
export function createEdgeCertificateHandlers(
  authority: CertificateAuthority,
): ServiceImpl<typeof EdgeCertificateService> {
  return {
    getAuthority: () => ({ authority: authority.certificate }),
    async issueServerCertificate({ certificateRequest, hosts }) {
      const publicKey = await readCertificateRequest(certificateRequest);
      return {
        certificate: await authority.signServer(publicKey, hosts),
        authority: authority.certificate,
      };
    },
  };
}
