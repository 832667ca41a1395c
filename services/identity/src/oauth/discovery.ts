import { staticScopes } from "./client.ts";
import { type Endpoints, paths } from "./surface-endpoints.ts";

type Metadata = Readonly<Record<string, unknown>>;

/** What the library says of itself (RFC 8414, OpenID Connect Discovery), corrected where we differ from its defaults. */
export function discoveryOf(said: Metadata, { issuer }: Endpoints): Metadata {
  const {
    request_parameter_supported: _,
    tls_client_certificate_bound_access_tokens: __,
    ...metadata
  } = said;
  return {
    ...metadata,
    subject_types_supported: ["pairwise"],
    response_modes_supported: ["query"],
    // Certificates do not reach this server yet: docs/security.md, known gaps.
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    scopes_supported: [...staticScopes, "fhirUser", "launch/patient", ...exampleScopes],
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "fhirUser"],
    end_session_endpoint: `${issuer}${paths.logout}`,
  };
}

/** SMART names no list of scopes: these stand for the grammar. */
const exampleScopes = ["patient/*.rs", "patient/Observation.cruds", "user/*.rs", "system/*.rs"] as const;

/** SMART App Launch 2.2, conformance. */
export function smartConfigurationOf(discovery: Metadata): Metadata {
  const taken = [
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "grant_types_supported",
    "response_types_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "code_challenge_methods_supported",
  ];
  return {
    ...Object.fromEntries(taken.map((name) => [name, discovery[name]])),
    capabilities: [
      "launch-standalone",
      "client-public",
      "client-confidential-asymmetric",
      "context-standalone-patient",
      "permission-patient",
      "permission-user",
      "permission-offline",
      "permission-v2",
      "sso-openid-connect",
    ],
  };
}
