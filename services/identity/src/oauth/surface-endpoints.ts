/** Where the OAuth server is reached, and what its tokens are for (docs/decisions/0040). */
export interface Endpoints {
  /** The installation's origin: `https://wellapi.example`. */
  readonly issuer: string;
  /** Audience of tokens for the RPCs. */
  readonly api: string;
  /** Audience of tokens for the FHIR surface. */
  readonly fhir: string;
  /** The FHIR surface's base, which SMART's clients send as `aud`. */
  readonly fhirBase: string;
  /** Where clients with a TLS certificate call (RFC 8705); undefined: nothing asks them for one. */
  readonly mtls: string | undefined;
}

export const paths = {
  authorization: "/oauth2/authorize",
  token: "/oauth2/token",
  pushed: "/oauth2/par",
  introspection: "/oauth2/introspect",
  revocation: "/oauth2/revoke",
  device: "/oauth2/device_authorization",
  logout: "/oauth2/logout",
  jwks: "/.well-known/jwks.json",
  openid: "/.well-known/openid-configuration",
  oauth: "/.well-known/oauth-authorization-server",
  smart: "/.well-known/smart-configuration",
  /** The same below the FHIR base, where SMART's clients look for it. */
  fhirSmart: "/fhir/R4/.well-known/smart-configuration",
  /** Pages, of another surface. */
  interaction: "/authorize",
  verification: "/device",
} as const;

/** An id as FHIR writes it, whose ids have no underscore. */
export function fhirId(id: string): string {
  return id.replace("_", "-");
}

export function endpointsOf(issuer: string, mtls?: string): Endpoints {
  return { issuer, api: `${issuer}/api`, fhir: `${issuer}/fhir`, fhirBase: `${issuer}/fhir/R4`, mtls };
}
