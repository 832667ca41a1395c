import { staticScopes } from "./client.ts";
import { type Endpoints, paths } from "./surface-endpoints.ts";

type Metadata = Readonly<Record<string, unknown>>;

/** What the library says of itself (RFC 8414, OpenID Connect Discovery), corrected where we differ from its defaults. */
export function discoveryOf(said: Metadata, { issuer, mtls }: Endpoints): Metadata {
  const { request_parameter_supported: _, ...metadata } = said;
  return {
    ...metadata,
    subject_types_supported: ["pairwise"],
    response_modes_supported: ["query"],
    token_endpoint_auth_methods_supported: [...keyMethods, ...(mtls === undefined ? [] : certificateMethods)],
    tls_client_certificate_bound_access_tokens: mtls !== undefined,
    ...(mtls !== undefined && mtls !== issuer && { mtls_endpoint_aliases: aliasesAt(mtls) }),
    scopes_supported: [...staticScopes, "fhirUser", "launch/patient", ...exampleScopes],
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "fhirUser"],
    end_session_endpoint: `${issuer}${paths.logout}`,
  };
}

const keyMethods = ["none", "private_key_jwt"] as const;
const certificateMethods = ["tls_client_auth", "self_signed_tls_client_auth"] as const;

/** RFC 8705, section 5: where a client calls that has a certificate. Browsers never do. */
function aliasesAt(origin: string): Metadata {
  return {
    token_endpoint: `${origin}${paths.token}`,
    pushed_authorization_request_endpoint: `${origin}${paths.pushed}`,
    device_authorization_endpoint: `${origin}${paths.device}`,
    introspection_endpoint: `${origin}${paths.introspection}`,
    revocation_endpoint: `${origin}${paths.revocation}`,
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
