import "reflect-metadata";
import { PemConverter, Pkcs10CertificateRequest, type PublicKey } from "@peculiar/x509";
import { invalidField } from "../errors.ts";

const FIELD = "certificate_request";
const ALLOWED = "send a PKCS #10 request, PEM, of an ECDSA P-256 or P-384 or an Ed25519 key";

/**
 * The public key that a signing request (RFC 2986, PEM) proves possession of. Everything else in the request is
 * ignored. Throws `invalid`.
 */
export async function readCertificateRequest(pem: string): Promise<PublicKey> {
  const { request, publicKey } = parse(pem);
  const { name, namedCurve } = publicKey.algorithm as { name: string; namedCurve?: string };
  const allowed = name === "Ed25519" || (name === "ECDSA" && /^P-(256|384)$/.test(namedCurve ?? ""));
  // Checked before the signature is verified: an attacker chooses how expensive a verification with RSA is.
  if (!allowed) throw invalidField(FIELD, `keys of this type are not accepted; ${ALLOWED}`);
  const proven = await request.verify().catch(() => false);
  if (!proven) throw invalidField(FIELD, "its signature is not by its own key; make a new request");
  return publicKey;
}

function parse(pem: string): { readonly request: Pkcs10CertificateRequest; readonly publicKey: PublicKey } {
  try {
    const [block, ...others] = PemConverter.decodeWithHeaders(pem);
    if (!block || others.length > 0 || !/^(NEW )?CERTIFICATE REQUEST$/.test(block.type)) {
      throw new Error("not exactly one certificate request");
    }
    const request = new Pkcs10CertificateRequest(block.rawData);
    // The library reads the key when it is asked for it.
    return { request, publicKey: request.publicKey };
  } catch (cause) {
    throw invalidField(FIELD, `it cannot be read; ${ALLOWED}`, { cause });
  }
}
