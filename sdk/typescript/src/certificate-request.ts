import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A fresh ECDSA P-256 key and a signing request (PKCS #10) for it, both PEM. The key stays with the caller. */
export async function createCertificateRequest(): Promise<{
  privateKey: string;
  certificateRequest: string;
}> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=wellapi",
    keys,
    signingAlgorithm: algorithm,
  });
  const privateKey = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
  return { privateKey, certificateRequest: request.toString("pem") };
}
