import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ConnectTerms as ConnectTermsMessage,
  type ConnectTermsSchema,
  OAuthClient_GrantType,
  OAuthClient_TokenEndpointAuthMethod,
  type OAuthClient as OAuthClientMessage,
  type OAuthClientSchema,
} from "@wellapi/gen/wellapi/identity/v1/oauth_pb";
import { Direction, Purpose, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { JWK } from "jose";
import { invalidField } from "../errors.ts";
import {
  type AuthMethod,
  authMethods,
  type ConnectTerms,
  type GrantType,
  grantTypes,
  type OAuthClient,
} from "./client.ts";

const methodMessages: Readonly<Record<AuthMethod, OAuthClient_TokenEndpointAuthMethod>> = {
  none: OAuthClient_TokenEndpointAuthMethod.NONE,
  private_key_jwt: OAuthClient_TokenEndpointAuthMethod.PRIVATE_KEY_JWT,
  tls_client_auth: OAuthClient_TokenEndpointAuthMethod.TLS_CLIENT_AUTH,
  self_signed_tls_client_auth: OAuthClient_TokenEndpointAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
};

const grantMessages: Readonly<Record<GrantType, OAuthClient_GrantType>> = {
  authorization_code: OAuthClient_GrantType.AUTHORIZATION_CODE,
  client_credentials: OAuthClient_GrantType.CLIENT_CREDENTIALS,
  device_code: OAuthClient_GrantType.DEVICE_CODE,
};

/** Throws `invalid` for what the contract's own rules do not see. */
export function fromClientMessage(message: OAuthClientMessage): OAuthClient {
  const { connectTerms } = message;
  return {
    authMethod: authMethods.find((one) => methodMessages[one] === message.tokenEndpointAuthMethod)!,
    grantTypes: grantTypes.filter((one) => message.grantTypes.includes(grantMessages[one])),
    redirectUris: message.redirectUris,
    postLogoutRedirectUris: message.postLogoutRedirectUris,
    keys: fromJwks(message.jwks),
    scopes: message.scopes,
    dpopBound: message.dpopBoundAccessTokens,
    tlsBound: message.tlsClientCertificateBoundAccessTokens,
    patientAccess: message.patientAccess,
    allowedOrigins: message.allowedOrigins,
    ...(connectTerms && { terms: fromTerms(connectTerms) }),
  };
}

function fromJwks(text: string): readonly JWK[] {
  if (text === "") return [];
  try {
    const { keys } = JSON.parse(text) as { keys: unknown };
    if (Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null))
      return keys as JWK[];
  } catch {
    // Said below.
  }
  throw invalidField("application.oauth.jwks", 'is no JSON Web Key Set: {"keys": [...]} is expected');
}

function fromTerms(terms: ConnectTermsMessage): ConnectTerms {
  const { directions, categories, purposes, resolution, duration, why, noticeUri } = terms;
  if (directions.includes(Direction.READ)) {
    const field = "application.oauth.connect_terms";
    if (purposes.length === 0) throw invalidField(`${field}.purposes`, "reading needs a purpose at least");
    if (resolution === Resolution.UNSPECIFIED || resolution === Resolution.COUNT_ONLY) {
      throw invalidField(`${field}.resolution`, "reading needs one: raw, hourly or daily");
    }
    if (purposes.includes(Purpose.EMERGENCY)) {
      throw invalidField(`${field}.purposes`, "an emergency is not agreed to in advance");
    }
  }
  return {
    directions,
    categories: categories.map(({ name, version }) => ({ name, version })),
    purposes,
    resolution,
    why,
    noticeUri,
    ...(duration && { seconds: Number(duration.seconds) }),
  };
}

export function toClientMessage(client: OAuthClient): MessageInitShape<typeof OAuthClientSchema> {
  const { keys, terms } = client;
  return {
    tokenEndpointAuthMethod: methodMessages[client.authMethod],
    grantTypes: client.grantTypes.map((one) => grantMessages[one]),
    redirectUris: [...client.redirectUris],
    postLogoutRedirectUris: [...client.postLogoutRedirectUris],
    jwks: keys.length === 0 ? "" : JSON.stringify({ keys }),
    scopes: [...client.scopes],
    dpopBoundAccessTokens: client.dpopBound,
    tlsClientCertificateBoundAccessTokens: client.tlsBound,
    patientAccess: client.patientAccess,
    allowedOrigins: [...client.allowedOrigins],
    ...(terms && { connectTerms: toTermsMessage(terms) }),
  };
}

export function toTermsMessage(terms: ConnectTerms): MessageInitShape<typeof ConnectTermsSchema> {
  const { directions, categories, purposes, resolution, seconds, why, noticeUri } = terms;
  return {
    directions: [...directions],
    categories: [...categories],
    purposes: [...purposes],
    resolution,
    why,
    noticeUri,
    ...(seconds !== undefined && { duration: { seconds: BigInt(seconds) } }),
  };
}
