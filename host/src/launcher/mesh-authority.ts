import "reflect-metadata";
import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { spiffeIdOf, type WorkloadCertificate } from "@wellapi/rpc";

/**
 * A mesh's authority for workloads, for the life of a launcher. Its key exists in memory only. It is not the
 * installation's authority for providers, which belongs to identity: neither trusts the other's certificates.
 */
export interface MeshAuthority {
  /** A fresh key with a certificate (X.509-SVID) that lives for `lifetimeMs`, the authority's unless given. */
  issue(workload: string, lifetimeMs?: number): Promise<WorkloadCertificate>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 86_400_000;
/** For processes with slow clocks. */
const backdateMs = 300_000;

export async function createMeshAuthority(options: {
  readonly trustDomain: string;
  readonly lifetimeMs: number;
}): Promise<MeshAuthority> {
  const { trustDomain } = options;
  const keys = await webcrypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${trustDomain} mesh authority`,
    notBefore: new Date(Date.now() - backdateMs),
    notAfter: new Date(Date.now() + 365 * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  // Each ends with a newline: programs put several of them into one text without looking.
  const authority = `${root.toString("pem")}\n`;
  return {
    async issue(workload, lifetimeMs = options.lifetimeMs) {
      const own = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: `CN=${workload}`,
        issuer: root.subject,
        notBefore: new Date(Date.now() - backdateMs),
        notAfter: new Date(Date.now() + lifetimeMs),
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension([
            { type: "url", value: spiffeIdOf(workload, { trustDomain }) },
          ]),
        ],
      });
      const privateKey = KeyObject.from(own.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
      return { certificate: `${certificate.toString("pem")}\n`, privateKey, authority };
    },
  };
}

/** Positive and short enough for every reader (RFC 5280, section 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
