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

/** A certificate and its key, PEM texts. */
export interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Signs certificates for as long as the laboratory runs. */
export interface Authority extends Pair {
  /** For servers and clients; valid for an hour around now unless given. */
  issue(options: {
    readonly name: string;
    readonly hosts?: readonly string[];
    readonly uri?: string;
    readonly notAfter?: Date;
  }): Promise<Pair>;
  /** An authority that this one vouches for. */
  intermediate(name: string): Promise<Authority>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const hour = 3_600_000;

/** A self-signed authority of this name. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  return authorityOf(name, keys, await certify({ name, keys, issuer: name, issuerKeys: keys, depth: 1 }));
}

async function authorityOf(
  name: string,
  keys: webcrypto.CryptoKeyPair,
  certificate: string,
): Promise<Authority> {
  return {
    certificate,
    privateKey: pemOf(keys),
    async issue({ name: subject, ...names }) {
      const own = await newKeys();
      const leaf = await certify({ name: subject, keys: own, issuer: name, issuerKeys: keys, ...names });
      return { certificate: leaf, privateKey: pemOf(own) };
    },
    async intermediate(subject) {
      const own = await newKeys();
      return authorityOf(
        subject,
        own,
        await certify({ name: subject, keys: own, issuer: name, issuerKeys: keys, depth: 0 }),
      );
    },
  };
}

async function certify(options: {
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly issuer: string;
  readonly issuerKeys: webcrypto.CryptoKeyPair;
  /** Of an authority: how many more may follow. */
  readonly depth?: number;
  readonly hosts?: readonly string[];
  readonly uri?: string;
  readonly notAfter?: Date;
}): Promise<string> {
  const { name, keys, issuer, issuerKeys, depth, hosts = [], uri, notAfter } = options;
  const end = notAfter?.getTime() ?? Date.now() + 24 * hour;
  const names = [
    ...hosts.map((value) => ({ type: "dns" as const, value })),
    ...(uri === undefined ? [] : [{ type: "url" as const, value: uri }]),
  ];
  const authority = depth !== undefined;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name}`,
    issuer: `CN=${issuer}`,
    notBefore: new Date(Math.min(Date.now(), end) - hour),
    notAfter: new Date(end),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(authority, depth, true),
      new KeyUsagesExtension(
        authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature,
        true,
      ),
      ...(authority
        ? []
        : [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])]),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
    ],
  });
  return certificate.toString("pem");
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

function pemOf(keys: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
}

/** Positive and short enough for every reader (RFC 5280, section 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
