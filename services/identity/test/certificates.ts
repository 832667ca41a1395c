import "reflect-metadata";
import {
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export function generateKeys(algorithm: Record<string, unknown> = ecdsa) {
  return crypto.subtle.generateKey(algorithm as never, true, ["sign", "verify"]) as Promise<
    Parameters<typeof Pkcs10CertificateRequestGenerator.create>[0] extends infer P
      ? NonNullable<P extends { keys: infer K } ? K : never>
      : never
  >;
}

/** A signing request, PEM, that asks for names of its own. */
export async function createRequest(
  algorithm: Record<string, unknown> = ecdsa,
  keys?: Awaited<ReturnType<typeof generateKeys>>,
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=root, O=WellAPI",
    keys: keys ?? (await generateKeys(algorithm)),
    signingAlgorithm: algorithm as never,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "url", value: "spiffe://wellapi.local/org/org_victim/app/app_victim/cred/crd_1" },
        { type: "dns", value: "localhost" },
      ]),
    ],
  });
  return request.toString("pem");
}

/** A certificate that nobody but its own key vouches for, DER. */
export async function createSelfSigned(): Promise<Uint8Array> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=WellAPI client",
    keys: await generateKeys(),
    signingAlgorithm: ecdsa,
    notBefore: new Date(Date.UTC(2026, 0, 1)),
    notAfter: new Date(Date.UTC(2027, 0, 1)),
  });
  return new Uint8Array(certificate.rawData);
}

/** The bytes of a PEM text of one block. */
export function derOf(pem: string): Uint8Array {
  return new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"));
}
