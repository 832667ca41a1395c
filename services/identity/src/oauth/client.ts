import { createPublicKey, X509Certificate } from "node:crypto";
import { parseScope, type SmartScope } from "@wellapi/scopes";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { invalidField } from "../errors.ts";
import { isPersonScope } from "./person-scopes.ts";

export const authMethods = [
  "none",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
] as const;
export type AuthMethod = (typeof authMethods)[number];

export const grantTypes = ["authorization_code", "client_credentials", "device_code"] as const;
export type GrantType = (typeof grantTypes)[number];

/** What an application proposes to a patient, with the numbers of the contract's enums. */
export interface ConnectTerms {
  readonly directions: readonly number[];
  readonly categories: ReadonlyArray<{ readonly name: string; readonly version: number }>;
  readonly purposes: readonly number[];
  readonly resolution: number;
  /** Seconds; absent: until it is revoked. */
  readonly seconds?: number;
  readonly why: string;
  readonly noticeUri: string;
}

/** An application as a client of the OAuth server. */
export interface OAuthClient {
  readonly authMethod: AuthMethod;
  readonly grantTypes: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Public keys. */
  readonly keys: readonly JWK[];
  /** The most that it may ask for. */
  readonly scopes: readonly string[];
  readonly dpopBound: boolean;
  readonly tlsBound: boolean;
  /** A patient's own app. */
  readonly patientAccess: boolean;
  readonly terms?: ConnectTerms;
  readonly allowedOrigins: readonly string[];
}

/** Scopes of OpenID Connect and of SMART that are no data. */
export const staticScopes = ["openid", "offline_access"] as const;
const contextScopes: ReadonlySet<string> = new Set(["fhirUser", "launch/patient", "online_access"]);
const ownScope = /^wellapi:[a-z.]+$/;

/** The algorithms that a client signs with; for RSA the key must not be short. */
export const clientAlgorithms = ["ES256", "ES384", "RS384", "PS384", "EdDSA"] as const;
const leastModulusBits = 2_048;
const mostKeys = 16;

export function isStatic(scope: string): boolean {
  return staticScopes.some((one) => one === scope);
}

/** A scope that this server gives to somebody. */
function isKnownScope(scope: string): boolean {
  return (
    isStatic(scope) || contextScopes.has(scope) || ownScope.test(scope) || parseScope(scope) !== undefined
  );
}

/** Whether what was registered covers what is asked for: word for word, or a wider scope on the same data. */
export function isRegistered(client: Pick<OAuthClient, "scopes">, asked: string): boolean {
  if (client.scopes.includes(asked)) return isKnownScope(asked);
  const wanted = parseScope(asked);
  if (wanted === undefined) return false;
  return client.scopes.map(parseScope).some((scope) => scope !== undefined && covers(scope, wanted));
}

function covers(wide: SmartScope, narrow: SmartScope): boolean {
  return (
    wide.context === narrow.context &&
    (wide.resource === "*" || wide.resource === narrow.resource) &&
    [...narrow.permissions].every((letter) => wide.permissions.includes(letter)) &&
    (wide.categories === undefined ||
      narrow.categories?.every((one) => wide.categories?.includes(one)) === true)
  );
}

/** Whether it asks for the data of a patient who agrees. */
function asksForPatients({ scopes }: Pick<OAuthClient, "scopes">): boolean {
  return scopes.some((scope) => parseScope(scope)?.context === "patient");
}

/** Throws `invalid` with the field that does not fit. */
export async function checkClient(
  client: OAuthClient,
  installation: {
    /** Whether clients' certificates reach it. */
    readonly takesCertificates: boolean;
  },
): Promise<void> {
  checkScopes(client);
  checkFlows(client);
  checkBinding(client, installation.takesCertificates);
  checkAddresses(client);
  await checkKeys(client);
  if (asksForPatients(client) && client.terms === undefined) {
    throw fieldOf(
      "connect_terms",
      "needed, because it asks for patients' data: they are what a patient agrees to",
    );
  }
}

function checkScopes({ scopes, grantTypes: flows }: OAuthClient): void {
  const unknown = scopes.find((scope) => !isKnownScope(scope) || isPersonScope(scope));
  if (unknown !== undefined) {
    throw fieldOf(
      "scopes",
      `${JSON.stringify(unknown)} is no scope of this installation: see docs/permissions.md`,
    );
  }
  const system = scopes.some((scope) => parseScope(scope)?.context === "system");
  if (system && !flows.includes("client_credentials")) {
    throw fieldOf("scopes", "system/ scopes are for programs: they need the grant type client_credentials");
  }
}

function checkFlows({ authMethod, grantTypes: flows, redirectUris }: OAuthClient): void {
  if (authMethod === "none" && flows.includes("client_credentials")) {
    throw fieldOf(
      "grant_types",
      "client_credentials needs a client that proves itself: by a key or a certificate",
    );
  }
  const browser = flows.includes("authorization_code");
  if (browser && redirectUris.length === 0) {
    throw fieldOf("redirect_uris", "at least one is needed for the grant type authorization_code");
  }
  if (!browser && redirectUris.length > 0) {
    throw fieldOf("redirect_uris", "only the grant type authorization_code has redirects");
  }
}

function checkBinding({ authMethod, dpopBound, tlsBound }: OAuthClient, takesCertificates: boolean): void {
  if (!takesCertificates && (tlsBound || authMethod.endsWith("tls_client_auth"))) {
    throw fieldOf(
      tlsBound ? "tls_client_certificate_bound_access_tokens" : "token_endpoint_auth_method",
      "not offered here, because this installation asks no client for a certificate: use private_key_jwt, and DPoP to bind tokens",
    );
  }
  if (dpopBound && tlsBound) {
    throw fieldOf("dpop_bound_access_tokens", "tokens are bound to a key or to a certificate, not to both");
  }
  if (tlsBound && authMethod === "none") {
    throw fieldOf(
      "tls_client_certificate_bound_access_tokens",
      "a client without a certificate uses DPoP instead",
    );
  }
}

function checkAddresses(client: OAuthClient): void {
  const { authMethod, redirectUris, postLogoutRedirectUris, allowedOrigins } = client;
  for (const uri of redirectUris) checkRedirect("redirect_uris", uri, authMethod);
  for (const uri of postLogoutRedirectUris) checkRedirect("post_logout_redirect_uris", uri, authMethod);
  for (const origin of allowedOrigins) {
    const url = URL.parse(origin);
    if (url === null || url.origin !== origin || !isSafe(url)) {
      throw fieldOf("allowed_origins", `${quoted(origin)} is no origin such as https://app.example`);
    }
  }
}

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** https, or plain http that does not leave the machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && loopback.has(hostname));
}

/** What browsers are sent to: refused where somebody else could read the code on its way. */
function checkRedirect(field: string, uri: string, authMethod: AuthMethod): void {
  const url = URL.parse(uri);
  const refuse = (why: string) => fieldOf(field, `${quoted(uri)} ${why}`);
  if (url === null) throw refuse("is no absolute URI");
  if (uri.includes("#")) throw refuse("has a fragment: leave it out");
  if (uri.includes("*")) throw refuse("has a wildcard: each address is registered by itself");
  if (url.username !== "" || url.password !== "") throw refuse("holds a name or a password");
  if (isSafe(url)) return;
  if (url.protocol === "http:") throw refuse("is plain http: https is needed, except on this machine");
  const own = authMethod === "none" && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
  if (!own)
    throw refuse("must be https; an app's own scheme (method none) has a dot in it, like com.example.app");
}

async function checkKeys({ authMethod, keys }: OAuthClient): Promise<void> {
  const needed = authMethod === "private_key_jwt" || authMethod === "self_signed_tls_client_auth";
  if (needed && keys.length === 0) throw fieldOf("jwks", `the method ${authMethod} needs at least one key`);
  if (keys.length > mostKeys) throw fieldOf("jwks", `at most ${mostKeys} keys`);
  const kids = new Set(keys.map(({ kid }) => kid));
  if (kids.has(undefined) || kids.size !== keys.length) {
    throw fieldOf("jwks", "each key needs a kid of its own, so that it can be replaced");
  }
  for (const key of keys) await checkKey(key, authMethod);
}

async function checkKey(key: JWK, authMethod: AuthMethod): Promise<void> {
  const named = `the key ${quoted(key.kid!)}`;
  if (key.kty === "oct" || ["d", "p", "q", "k", "priv"].some((name) => name in key)) {
    throw fieldOf(
      "jwks",
      `${named} holds a private part: send public keys only, and replace this one, because it was shown`,
    );
  }
  const algorithm = key.alg ?? algorithmOf(key);
  if (algorithm === undefined || !clientAlgorithms.some((one) => one === algorithm)) {
    throw fieldOf("jwks", `${named} is for none of ${clientAlgorithms.join(", ")}`);
  }
  let imported: CryptoKey | Uint8Array;
  try {
    imported = await importJWK(key, algorithm);
    if (authMethod === "self_signed_tls_client_auth") checkCertificate(key);
  } catch {
    throw fieldOf(
      "jwks",
      `${named} is no key for ${algorithm}, or its certificate (x5c) is missing or of another key`,
    );
  }
  const { modulusLength = leastModulusBits } = (imported as CryptoKey).algorithm as {
    modulusLength?: number;
  };
  if (modulusLength < leastModulusBits) {
    throw fieldOf("jwks", `${named} has ${modulusLength} bits: at least ${leastModulusBits} are needed`);
  }
}

/** Throws where there is no certificate, or one of another key. */
function checkCertificate({ x5c, ...key }: JWK): void {
  const certificate = new X509Certificate(Buffer.from(x5c![0]!, "base64"));
  const own = createPublicKey({ key: key as never, format: "jwk" });
  if (!certificate.publicKey.equals(own)) throw new TypeError("the certificate is of another key");
}

function algorithmOf({ kty, crv }: JWK): string | undefined {
  if (kty === "RSA") return "RS384";
  if (kty === "OKP") return crv === "Ed25519" ? "EdDSA" : undefined;
  return crv === "P-256" ? "ES256" : crv === "P-384" ? "ES384" : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

function fieldOf(name: string, description: string) {
  return invalidField(`application.oauth.${name}`, description);
}
