import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, type ContextValues } from "@connectrpc/connect";
import type { ExchangeCredentialRequestSchema } from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { problemError } from "../status.ts";
import { peerCertificateKey } from "./context.ts";

/** A credential as TokenExchangeService takes it. */
export type Credential = NonNullable<MessageInitShape<typeof ExchangeCredentialRequestSchema>["credential"]>;

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

/**
 * The one credential that a caller from outside presents; undefined without one. Several are refused: their order
 * must never decide which one counts.
 */
export function credentialOf(call: {
  readonly header: Headers;
  readonly contextValues: ContextValues;
}): Credential | undefined {
  const shown: Credential[] = [];
  const certificate = call.contextValues.get(peerCertificateKey);
  if (certificate !== undefined) shown.push({ case: "clientCertificate", value: certificate });
  const bearer = bearerOf(call.header);
  if (bearer !== undefined) {
    shown.push({ case: bearer.startsWith(apiKeyPrefix) ? "apiKey" : "bearerToken", value: bearer });
  }
  const apiKey = call.header.get("x-api-key");
  if (apiKey !== null) {
    if (apiKey === "" || apiKey.length > maximumLength)
      throw refused('the header "x-api-key" holds no API key');
    shown.push({ case: "apiKey", value: apiKey });
  }
  if (shown.length > 1) {
    throw refused(
      "send one credential only: a client certificate, or an API key or token in the authorization header, or x-api-key",
    );
  }
  return shown[0];
}

function refused(remedy: string) {
  return problemError({
    code: Code.Unauthenticated,
    reason: "CREDENTIAL_INVALID",
    message: `the credential is refused: ${remedy}`,
  });
}
