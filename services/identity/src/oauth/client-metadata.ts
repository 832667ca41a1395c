import type { ClientMetadata } from "oidc-provider";
import type { Application } from "../organizations/organization.ts";
import { type GrantType, isStatic, type OAuthClient } from "./client.ts";

/** Our own properties of a client, which the library keeps as they are. */
export const ownProperties = ["wellapi_organization", "wellapi_client"] as const;

export interface OwnMetadata {
  readonly wellapi_organization: string;
  readonly wellapi_client: OAuthClient;
}

const libraryGrants: Readonly<Record<GrantType, string>> = {
  authorization_code: "authorization_code",
  client_credentials: "client_credentials",
  device_code: "urn:ietf:params:oauth:grant-type:device_code",
};

/** The application as the library knows its clients (RFC 7591). */
export function metadataOf(application: Application, client: OAuthClient): ClientMetadata & OwnMetadata {
  const byPerson = client.grantTypes.some((one) => one !== "client_credentials");
  const lasting = byPerson && client.scopes.includes("offline_access");
  const inBrowser = client.grantTypes.includes("authorization_code");
  const statics = client.scopes.filter(isStatic);
  const native = client.redirectUris.some((uri) => !/^https?:/.test(uri));
  return {
    client_id: application.id,
    application_type: native ? "native" : "web",
    token_endpoint_auth_method: client.authMethod,
    grant_types: [
      ...client.grantTypes.map((one) => libraryGrants[one]),
      ...(lasting ? ["refresh_token"] : []),
    ],
    response_types: inBrowser ? ["code"] : [],
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    ...(statics.length > 0 && { scope: statics.join(" ") }),
    ...(client.keys.length > 0 && { jwks: { keys: [...client.keys] as never } }),
    dpop_bound_access_tokens: client.dpopBound,
    tls_client_certificate_bound_access_tokens: client.tlsBound,
    ...(client.authMethod === "tls_client_auth" && { tls_client_auth_san_uri: application.id }),
    // SMART's public apps cannot push: their libraries know no such endpoint.
    require_pushed_authorization_requests: inBrowser && client.authMethod !== "none",
    wellapi_organization: application.organization,
    wellapi_client: client,
  };
}
