import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto as never);

/** PEM texts, of one kind for both ends: the bounds' mTLS has the curves and versions of the product's. */
export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;

/** An authority that lives as long as the run, and one certificate by it for `localhost`. */
export async function createTls(): Promise<Tls> {
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
  const root = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: "CN=bench authority",
    signingAlgorithm: algorithm,
    keys: root as never,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const own = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    subject: "CN=bench",
    issuer: authority.subject,
    signingAlgorithm: algorithm,
    publicKey: own.publicKey as never,
    signingKey: root.privateKey as never,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "localhost" }])],
  });
  return {
    ca: authority.toString("pem"),
    cert: certificate.toString("pem"),
    key: KeyObject.from(own.privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
