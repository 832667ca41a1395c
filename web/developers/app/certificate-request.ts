import "reflect-metadata";
import { PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";

/** A key that no other side has, and what asks for a certificate for it; both PEM. */
export interface CertificateRequest {
  readonly privateKey: string;
  /** PKCS #10 (RFC 2986). */
  readonly request: string;
}

/** A fresh ECDSA P-256 key of this browser, and a signing request for it. */
export async function createCertificateRequest(): Promise<CertificateRequest> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  // It can be exported, because the reader takes it away: it is of no use in a browser.
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=wellapi",
    keys,
    signingAlgorithm: algorithm,
  });
  const privateKey = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    privateKey: PemConverter.encode(privateKey, "PRIVATE KEY"),
    request: request.toString("pem"),
  };
}
