import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, type ContextValues } from "@connectrpc/connect";
import type {
  ExchangeCredentialRequestSchema,
  PresentedSchema,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { problemError } from "../status.ts";
import { httpCallKey, peerCertificateKey } from "./context.ts";
import { actingAsHeader, sessionOf } from "./session-cookie.ts";

/** A credential as TokenExchangeService takes it. */
export type Credential = NonNullable<MessageInitShape<typeof ExchangeCredentialRequestSchema>["credential"]>;

/** A credential, with what came beside it to prove that it is the caller's. */
export interface ShownCredential {
  readonly credential: Credential;
  readonly presented?: MessageInitShape<typeof PresentedSchema>;
}

/** The proof of one call (RFC 9449). */
export const dpopHeader = "dpop";
/** What the next proof has to name. */
export const dpopNonceHeader = "dpop-nonce";

/** API keys begin with this, so that secret scanners find them. */
export const apiKeyPrefix = "wellapi_sk_";

const maximumLength = 8_192;

/** The token of an `authorization: Bearer` header (RFC 6750), or undefined without the header. */
export function bearerOf(header: Headers): string | undefined {
  const value = header.get("authorization");
  if (value === null) return undefined;
  const token = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1];
  if (token === undefined || token.length > maximumLength) {
    throw refused('send the header as "authorization: Bearer <API key or token>"');
  }
  return token;
}

/** Whether the `authorization` header holds an access token, which may be bound to a key or to a certificate. */
export function showsToken(header: Headers): boolean {
  const [, token] = /^(?:bearer|dpop) (.+)$/i.exec(header.get("authorization") ?? "") ?? [];
  return token?.startsWith(apiKeyPrefix) === false;
}

interface OutsideHead {
  readonly header: Headers;
  readonly contextValues: ContextValues;
}

/**
 * The one credential that a caller from outside presents; undefined without one. Several are refused: their order
 * must never decide which one counts. A certificate beside a token is no second credential, but must be its client's.
 */
export function credentialOf(call: OutsideHead): ShownCredential | undefined {
  const certificate = call.contextValues.get(peerCertificateKey);
  const bound = boundTokenOf(call);
  const bearer = bound === undefined ? bearerOf(call.header) : undefined;
  const shown: Credential[] = [];
  if (bound !== undefined) shown.push(bound.credential);
  if (bearer !== undefined) {
    shown.push({ case: bearer.startsWith(apiKeyPrefix) ? "apiKey" : "bearerToken", value: bearer });
  }
  const isToken = shown[0]?.case === "bearerToken";
  if (certificate !== undefined && !isToken) shown.push({ case: "clientCertificate", value: certificate });
  const apiKey = call.header.get("x-api-key");
  if (apiKey !== null) {
    if (apiKey === "" || apiKey.length > maximumLength)
      throw refused('the header "x-api-key" holds no API key');
    shown.push({ case: "apiKey", value: apiKey });
  }
  const session = sessionOf(call.header);
  if (session !== undefined) {
    if (session.actingAs.length > 64) throw refused(`the header "${actingAsHeader}" names nobody`);
    shown.push({ case: "session", value: session });
  }
  if (shown.length > 1) {
    throw refused(
      "send one credential only: a client certificate, or an API key or token in the authorization header, or x-api-key, or the cookie of a session",
    );
  }
  const [credential] = shown;
  if (credential === undefined) return undefined;
  const clientCertificate =
    isToken && certificate !== undefined ? { clientCertificate: certificate } : undefined;
  if (bound === undefined && clientCertificate === undefined) return { credential };
  return { credential, presented: { ...bound?.presented, ...clientCertificate } };
}

/** The token of an `authorization: DPoP` header with its proof (RFC 9449), or undefined without the scheme. */
function boundTokenOf({ header, contextValues }: OutsideHead): Required<ShownCredential> | undefined {
  const token = /^dpop ([A-Za-z0-9._~+/-]+=*)$/i.exec(header.get("authorization") ?? "")?.[1];
  const proof = header.get(dpopHeader);
  if (token === undefined && proof === null) return undefined;
  const call = contextValues.get(httpCallKey);
  if (call === undefined)
    throw refused("here no proof can be checked: use a token that is not bound to a key");
  const one = proof !== null && proof.length <= maximumLength && /^[A-Za-z0-9._-]+$/.test(proof);
  if (token === undefined || token.length > maximumLength || !one) {
    throw refused(
      'send a token that is bound to a key as "authorization: DPoP <token>", with one proof in the header "dpop"',
    );
  }
  return {
    credential: { case: "bearerToken", value: token },
    presented: { dpopProof: proof, ...call, attempt: randomUUID() },
  };
}

function refused(remedy: string) {
  return problemError({
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_INVALID",
    message: `the credential is refused: ${remedy}`,
  });
}
