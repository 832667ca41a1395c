import "reflect-metadata";
import { X509Certificate as NodeCertificate, randomBytes, type webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Clock } from "@wellapi/runtime";
import { DAY } from "./credential.ts";
import { credentialInvalid } from "./errors.ts";
import type { EcPrivateJwk, InstallationKeyRepository } from "./installation-key-repository.ts";

/** A certificate of a client, signed. */
export interface ClientCertificate {
  readonly pem: string;
  readonly der: Uint8Array;
  /** UTC milliseconds. */
  readonly expireTime: number;
}

/** PEM texts for a TLS server. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** The installation's own authority (X.509, RFC 5280). */
export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** For an application's credential. Its one name is a SPIFFE id. */
  issueClient(key: PublicKey, spiffeId: string, expireTime: number): Promise<ClientCertificate>;
  /** For a door: valid 7 days, for `localhost`, the loopback addresses and `hosts` (names or addresses). */
  issueServer(hosts: readonly string[]): Promise<ServerCertificate>;
  /** The same for a key that stays with the door. PEM. */
  signServer(publicKey: PublicKey, hosts: readonly string[]): Promise<string>;
  /** Throws `credential_invalid` unless this authority signed it and it is valid now. */
  verifyClient(der: Uint8Array): void;
}

const ROOT_LIFETIME = 3650 * DAY;
const SERVER_LIFETIME = 7 * DAY;
/** Certificates start a little early, for clients whose clocks are behind. */
const BACKDATE = 5 * 60_000;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const loopback = ["localhost", "127.0.0.1", "::1"];

/** Makes the authority's key and certificate at the first start. */
export async function openCertificateAuthority(
  repository: InstallationKeyRepository,
  clock: Clock,
  trustDomain: string,
): Promise<CertificateAuthority> {
  const stored =
    (await repository.keys("authority"))[0] ?? (await createRoot(repository, clock, trustDomain));
  const root = new X509Certificate(stored.certificate);
  const rootKey = new NodeCertificate(stored.certificate).publicKey;
  const signingKey = await crypto.subtle.importKey("jwk", { ...stored.privateJwk }, ecdsa, false, ["sign"]);

  async function issue(leaf: {
    readonly subject: string;
    readonly publicKey: PublicKey | webcrypto.CryptoKey;
    readonly names: readonly JsonGeneralName[];
    readonly usage: ExtendedKeyUsage;
    readonly expireTime: number;
  }): Promise<X509Certificate> {
    return X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: [{ CN: [leaf.subject] }],
      issuer: root.subjectName.toJSON(),
      notBefore: new Date(clock.now() - BACKDATE),
      notAfter: new Date(Math.min(leaf.expireTime, root.notAfter.getTime())),
      publicKey: leaf.publicKey,
      signingKey,
      signingAlgorithm: ecdsa,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([leaf.usage]),
        new SubjectAlternativeNameExtension([...leaf.names]),
        await SubjectKeyIdentifierExtension.create(leaf.publicKey),
        await AuthorityKeyIdentifierExtension.create(root.publicKey),
      ],
    });
  }

  async function signServer(publicKey: PublicKey | webcrypto.CryptoKey, hosts: readonly string[]) {
    const certificate = await issue({
      subject: "WellAPI door",
      publicKey,
      names: [...new Set([...loopback, ...hosts])].map((value) => ({
        type: isIP(value) ? "ip" : "dns",
        value,
      })),
      usage: ExtendedKeyUsage.serverAuth,
      expireTime: clock.now() + SERVER_LIFETIME,
    });
    return certificate.toString("pem");
  }

  return {
    certificate: stored.certificate,
    signServer,
    async issueClient(publicKey, spiffeId, expireTime) {
      const certificate = await issue({
        subject: "WellAPI client",
        publicKey,
        names: [{ type: "url", value: spiffeId }],
        usage: ExtendedKeyUsage.clientAuth,
        expireTime,
      });
      return {
        pem: certificate.toString("pem"),
        der: new Uint8Array(certificate.rawData),
        expireTime: certificate.notAfter.getTime(),
      };
    },
    async issueServer(hosts) {
      const keys = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
      const cert = await signServer(keys.publicKey, hosts);
      const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
      return {
        key: PemConverter.encode(pkcs8, "PRIVATE KEY"),
        cert,
        ca: stored.certificate,
      };
    },
    verifyClient(der) {
      const certificate = parse(der);
      if (!certificate.verify(rootKey)) {
        throw credentialInvalid("the certificate is not signed by this installation");
      }
      const now = clock.now();
      if (now >= certificate.validToDate.getTime()) throw credentialInvalid("the certificate has expired");
      if (now < certificate.validFromDate.getTime())
        throw credentialInvalid("the certificate is not valid yet");
    },
  };
}

async function createRoot(repository: InstallationKeyRepository, clock: Clock, trustDomain: string) {
  const now = clock.now();
  const keys = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ O: ["WellAPI"] }, { CN: [`${trustDomain} authority`] }],
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(now + ROOT_LIFETIME),
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const privateJwk = (await crypto.subtle.exportKey("jwk", keys.privateKey)) as EcPrivateJwk;
  const root = { id: "root", createTime: now, privateJwk, certificate: certificate.toString("pem") };
  await repository.insert("authority", root);
  return root;
}

function parse(der: Uint8Array): NodeCertificate {
  try {
    return new NodeCertificate(der);
  } catch (cause) {
    throw credentialInvalid("the certificate cannot be read", { cause });
  }
}

/** 126 random bits: positive and short enough for every reader (RFC 5280, section 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}
