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
import type { Clock, Logger } from "@wellapi/runtime";
import { credentialInvalid } from "../errors.ts";
import type {
  EcPrivateJwk,
  InstallationKey,
  InstallationKeyRepository,
} from "../installation-key-repository.ts";
import { DAY } from "./credential.ts";

/** A signed client certificate. */
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

/**
 * The installation's own authority (X.509, RFC 5280). During a change of roots there are two: clients' certificates
 * come from the newest, and doors' from the oldest, because callers may not know the newer one yet.
 */
export interface CertificateAuthority {
  /** PEM, all roots, the newest first. */
  readonly certificate: string;
  /** For an application's credential. Its one name is a SPIFFE id. */
  issueClient(key: PublicKey, spiffeId: string, expireTime: number): Promise<ClientCertificate>;
  /** For a door: valid 7 days, for `localhost`, the loopback addresses and `hosts` (names or addresses). */
  issueServer(hosts: readonly string[]): Promise<ServerCertificate>;
  /** The same for a key that stays with the door. PEM. */
  signServer(publicKey: PublicKey, hosts: readonly string[]): Promise<string>;
  /** Throws `credential_invalid` unless one of its roots signed it and it is valid now. */
  verifyClient(der: Uint8Array): void;
}

const ROOT_LIFETIME = 3650 * DAY;
const SERVER_LIFETIME = 7 * DAY;
/** Certificates start a little early, for clients whose clocks are slow. */
const BACKDATE = 5 * 60_000;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const loopback = ["localhost", "127.0.0.1", "::1"];

export interface CertificateAuthorityOptions {
  readonly repository: InstallationKeyRepository;
  readonly clock: Clock;
  readonly trustDomain: string;
  /**
   * Numbers of the roots to trust, ascending: missing roots are made, and others are dropped. Empty: the roots that
   * exist.
   */
  readonly roots: readonly number[];
  readonly log: Logger;
}

interface Leaf {
  readonly subject: string;
  readonly publicKey: PublicKey | webcrypto.CryptoKey;
  readonly names: readonly JsonGeneralName[];
  readonly usage: ExtendedKeyUsage;
  readonly expireTime: number;
}

/** Makes the authority's key and certificate at the first start. */
export async function openCertificateAuthority(
  options: CertificateAuthorityOptions,
): Promise<CertificateAuthority> {
  const { clock } = options;
  const stored = await reconcileRoots(options);
  const bundle = stored.map(({ certificate }) => `${certificate.trimEnd()}\n`).join("");
  const rootKeys = stored.map(({ certificate }) => new NodeCertificate(certificate).publicKey);
  const issueFor = { clients: await issuer(stored[0]!, clock), servers: await issuer(stored.at(-1)!, clock) };

  async function signServer(publicKey: PublicKey | webcrypto.CryptoKey, hosts: readonly string[]) {
    const certificate = await issueFor.servers({
      subject: "WellAPI door",
      publicKey,
      names: [...new Set([...loopback, ...hosts])].map((value) => ({
        type: isIP(value) ? "ip" : "dns",
        value,
      })),
      usage: ExtendedKeyUsage.serverAuth,
      expireTime: clock.now() + SERVER_LIFETIME,
    });
    return pemOf(certificate);
  }

  return {
    certificate: bundle,
    signServer,
    async issueClient(publicKey, spiffeId, expireTime) {
      const certificate = await issueFor.clients({
        subject: "WellAPI client",
        publicKey,
        names: [{ type: "url", value: spiffeId }],
        usage: ExtendedKeyUsage.clientAuth,
        expireTime,
      });
      return {
        pem: pemOf(certificate),
        der: new Uint8Array(certificate.rawData),
        expireTime: certificate.notAfter.getTime(),
      };
    },
    async issueServer(hosts) {
      const keys = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
      const cert = await signServer(keys.publicKey, hosts);
      const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
      return {
        key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
        cert,
        ca: bundle,
      };
    },
    verifyClient(der) {
      const certificate = parse(der);
      if (!rootKeys.some((key) => certificate.verify(key))) {
        throw credentialInvalid("the certificate is not signed by this installation");
      }
      const now = clock.now();
      if (now >= certificate.validToDate.getTime()) throw credentialInvalid("the certificate has expired");
      if (now < certificate.validFromDate.getTime())
        throw credentialInvalid("the certificate is not valid yet");
    },
  };
}

async function issuer({ certificate, privateJwk }: InstallationKey, clock: Clock) {
  const root = new X509Certificate(certificate);
  const signingKey = await crypto.subtle.importKey("jwk", { ...privateJwk }, ecdsa, false, ["sign"]);
  return (leaf: Leaf) => issue(root, signingKey, leaf, clock);
}

async function issue(
  root: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  leaf: Leaf,
  clock: Clock,
): Promise<X509Certificate> {
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

const FIRST = "root";

function idOf(number: number): string {
  return number === 1 ? FIRST : `${FIRST}-${number}`;
}

function numberOf({ id }: InstallationKey): number {
  return id === FIRST ? 1 : Number(id.slice(FIRST.length + 1));
}

/** The roots that are trusted from now on, the newest first. */
async function reconcileRoots(options: CertificateAuthorityOptions): Promise<readonly InstallationKey[]> {
  const { repository, roots, log } = options;
  const read = async () => (await repository.keys("authority")).toSorted((a, b) => numberOf(b) - numberOf(a));
  const before = await read();
  const wanted = roots.length > 0 ? roots : before.length > 0 ? before.map(numberOf) : [1];
  for (const number of wanted) {
    if (before.some((root) => numberOf(root) === number)) continue;
    const root = await createRoot(options, number);
    // Another replica may be faster: then its root counts.
    await repository.insert("authority", root).catch(async (error: unknown) => {
      if (!(await read()).some(({ id }) => id === root.id)) throw error;
    });
    if (before.length > 0)
      log.info(`root ${number} of the authority is made, and signs clients' certificates from now on`);
  }
  // Roots are dropped only after their replacements exist.
  for (const root of before.filter((root) => !wanted.includes(numberOf(root)))) {
    await repository.delete("authority", root.id);
    log.warn(`root ${numberOf(root)} of the authority is dropped: its certificates are refused`);
  }
  return read();
}

async function createRoot({ clock, trustDomain }: CertificateAuthorityOptions, number: number) {
  const now = clock.now();
  const keys = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ O: ["WellAPI"] }, { CN: [`${trustDomain} authority${number === 1 ? "" : ` ${number}`}`] }],
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
  return { id: idOf(number), createTime: now, privateJwk, certificate: pemOf(certificate) };
}

/** Ends with a newline: programs put several of them into one text without looking. */
function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
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
