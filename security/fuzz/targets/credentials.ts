import { X509Certificate } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { openReceiptKey, ReceiptError, verifyReceipt } from "@wellapi/receipts";
import {
  type Caller,
  certificateIdentity,
  createPageTokens,
  createTokenVerifier,
  PageTokenError,
  sidecarIdentity,
} from "@wellapi/rpc";
import { silentLogger } from "@wellapi/runtime";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createCertificateRequest } from "../../../sdk/typescript/src/certificate-request.ts";
import { openCertificateAuthority } from "../../../services/identity/src/credentials/certificate-authority.ts";
import { readCertificateRequest } from "../../../services/identity/src/credentials/certificate-request.ts";
import { IdentityError } from "../../../services/identity/src/errors.ts";
import type { InstallationKey } from "../../../services/identity/src/installation-key-repository.ts";
import { assertResult, type FuzzTarget, isOneOf, textOf, utf8 } from "../target.ts";

const clock = { now: Date.now, monotonic: () => performance.now() };
const names = { trustDomain: "wellapi.test" };
const issuer = "https://wellapi.test";

/** An authority whose keys stay in memory: what it verifies is its own. */
async function openAuthority() {
  const keys: InstallationKey[] = [];
  return openCertificateAuthority({
    ...{ clock, trustDomain: names.trustDomain, roots: [], log: silentLogger },
    repository: {
      keys: async () => keys,
      insert: async (_, key) => void keys.push(key),
      delete: async () => {},
      rewrap: async () => 0,
    },
  });
}

async function derOfClient(): Promise<Uint8Array> {
  const authority = await openAuthority();
  const { certificateRequest } = await createCertificateRequest();
  const id = "spiffe://wellapi.test/ns/wellapi/sa/consent";
  return (await authority.issueClient(await readCertificateRequest(certificateRequest), id, Date.now() + 1e7))
    .der;
}

function derOf(pem: string): Uint8Array {
  return new Uint8Array(Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64"));
}

function pemOf(der: Uint8Array): string {
  const body = Buffer.from(der).toString("base64").replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----\n`;
}

async function openTokens() {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] });
  const verifier = createTokenVerifier({ issuer, clock, jwks: async () => jwks });
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = {
    ...{ iss: issuer, aud: "wellapi", sub: "app_1", iat: seconds, exp: seconds + 36_000, jti: "j1" },
    ...{ kind: "application", org: "org_1", cred: "crd_1", wl: "door" },
  };
  return {
    verifier,
    claims,
    sign: (payload: Record<string, unknown>) =>
      new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey),
  };
}

/** UNAVAILABLE would say that the verifier itself failed. */
const isRefusedToken = (error: unknown) =>
  error instanceof ConnectError && error.code === Code.Unauthenticated;

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

const caller: Caller = {
  principal: { kind: "application", id: "app_1", organization: "org_1" },
  workload: "door",
  token: "t",
};

function tokenTarget(field: "page_token" | "resume_token", position: Uint8Array): FuzzTarget {
  return {
    name: field.replace("_", "-"),
    open() {
      const tokens = createPageTokens(new Uint8Array(32).fill(7));
      const query = { caller, method: "x/Query", digest: new Uint8Array(32), field };
      const token = tokens.seal(query, position);
      return {
        corpus: [utf8(token)],
        refuses: isOneOf(PageTokenError),
        parse(input) {
          const opened = tokens.open(query, textOf(input));
          assertResult(
            textOf(input) === token && Buffer.from(opened).equals(position),
            "a forged token opens",
          );
        },
      };
    },
  };
}

export const credentialTargets: readonly FuzzTarget[] = [
  {
    name: "certificate",
    async open() {
      const authority = await openAuthority();
      const { certificateRequest } = await createCertificateRequest();
      const key = await readCertificateRequest(certificateRequest);
      const { der } = await authority.issueClient(key, "spiffe://wellapi.test/x", Date.now() + 36e6);
      return {
        corpus: [der],
        refuses: isOneOf(IdentityError),
        parse(input) {
          authority.verifyClient(input);
          // X.509 readers ignore what follows the certificate: the exchange counts by the digest of all bytes.
          assertResult(
            Buffer.from(input.subarray(0, der.length)).equals(der),
            "a forged certificate is taken",
          );
        },
      };
    },
  },
  {
    name: "workload-certificate",
    async open() {
      const der = await derOfClient();
      return {
        corpus: [der],
        refuses: () => false,
        words: ["spiffe://wellapi.test/ns/wellapi/sa/", '"', ", URI:"],
        parse(input) {
          let certificate: X509Certificate;
          try {
            certificate = new X509Certificate(input);
          } catch {
            return "unreadable"; // TLS ends such a handshake
          }
          const { subjectAltName } = certificate;
          return certificateIdentity(names)({ subjectAltName, header: new Headers() });
        },
      };
    },
  },
  {
    name: "sidecar-header",
    open: () => ({
      corpus: [
        utf8(
          'By=spiffe://wellapi.test/ns/wellapi/sa/audit;Hash=ab;Subject="";URI=spiffe://wellapi.test/ns/wellapi/sa/consent',
        ),
      ],
      words: ["URI=", ";", ",", '\\"', "spiffe://wellapi.test/ns/wellapi/sa/records"],
      refuses: () => false,
      parse(input) {
        // Headers refuse what HTTP cannot carry.
        const value = Buffer.from(input)
          .toString("latin1")
          .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "");
        const header = new Headers({ "x-forwarded-client-cert": value });
        return sidecarIdentity(names)({ subjectAltName: undefined, header });
      },
    }),
  },
  {
    name: "certificate-request",
    open: async () => ({
      corpus: [utf8((await createCertificateRequest()).certificateRequest)],
      refuses: isOneOf(IdentityError),
      parse: async (input) => void (await readCertificateRequest(textOf(input))),
    }),
  },
  {
    // The bytes within the PEM: mutations of base64 hardly change one of them.
    name: "certificate-request-der",
    open: async () => ({
      corpus: [derOf((await createCertificateRequest()).certificateRequest)],
      refuses: isOneOf(IdentityError),
      parse: async (input) => void (await readCertificateRequest(pemOf(input))),
    }),
  },
  {
    name: "jwt",
    async open() {
      const { verifier, sign, claims } = await openTokens();
      const token = await sign(claims);
      const part = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
      return {
        corpus: [utf8(token)],
        words: [
          ".",
          "..",
          part({ alg: "none" }),
          part({ alg: "HS256", kid: "one" }),
          part({ alg: "ES256", crit: ["b64"] }),
        ],
        refuses: isRefusedToken,
        async parse(input) {
          await verifier.verify(textOf(input), "door");
          const [header, payload] = textOf(input).split(".");
          assertResult(token.startsWith(`${header}.${payload}.`), "a forged token is taken");
        },
      };
    },
  },
  {
    // Claims that identity would not sign: what authorization trusts is checked all the same.
    name: "jwt-claims",
    async open() {
      const { verifier, sign, claims } = await openTokens();
      return {
        corpus: [
          claims,
          { ...claims, kind: "patient", part: "local" },
          { ...claims, act: { kind: "operator", id: "o" } },
        ].map((one) => utf8(JSON.stringify(one))),
        words: ["null", "{}", "[]", '"kind":', '"act":', '"patient"', '"org":', "1e400", '"exp":'],
        refuses: isRefusedToken,
        async parse(input) {
          let payload: unknown;
          try {
            payload = JSON.parse(textOf(input));
          } catch {
            return "no JSON";
          }
          if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return "no object";
          let token: string;
          try {
            token = await sign(payload as Record<string, unknown>);
          } catch {
            return "cannot be signed";
          }
          const { principal } = await verifier.verify(token, "door");
          assertResult(isText(principal.id), "a caller without an id");
          assertResult(principal.kind !== "application" || isText(principal.organization), "no organization");
          assertResult(principal.kind !== "patient" || isText(principal.partition), "no partition");
          return principal.kind;
        },
      };
    },
  },
  {
    name: "receipt",
    async open() {
      const key = await openReceiptKey({ derive: async () => new Uint8Array(32).fill(3) });
      const receipt = await key.sign("wellapi-erasure-receipt+jwt", { patient: "pat_1" });
      return {
        corpus: [utf8(receipt)],
        words: [".", "..", Buffer.from('{"alg":"none"}').toString("base64url")],
        refuses: isOneOf(ReceiptError),
        async parse(input) {
          await verifyReceipt("wellapi-erasure-receipt+jwt", textOf(input), key.jwks);
          assertResult(textOf(input) === receipt, "a forged receipt verifies");
        },
      };
    },
  },
  tokenTarget("page_token", utf8('{"time":1,"id":"a"}')),
  tokenTarget("resume_token", new Uint8Array(8)),
];
