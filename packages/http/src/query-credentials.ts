import { apiKeyPrefix } from "@wellapi/rpc";
import type { HttpProblem } from "./refusal.ts";

const names = new Set([
  "access_token",
  "api_key",
  "api-key",
  "apikey",
  "auth",
  "authorization",
  "bearer",
  "id_token",
  "key",
  "password",
  "secret",
  "token",
  "x-api-key",
]);

/** `message`: of a GET by Connect. `id_token_hint`: of a logout (OpenID Connect); an ID token opens nothing here. */
const harmless = new Set(["message", "id_token_hint"]);

const problem: HttpProblem = {
  code: "invalid_argument",
  reason: "CREDENTIAL_IN_URL",
  message:
    'a credential in the URL is refused, for URLs are logged and kept: revoke it if it is a real one, and send a new one in the header "authorization: Bearer <API key or token>"',
};

/** The problem of a URL that carries a credential, or undefined. */
export function credentialInQuery(url: string): HttpProblem | undefined {
  const at = url.indexOf("?");
  if (at < 0) return undefined;
  for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
    const jwt = !harmless.has(name) && /^(?:bearer\s+)?eyJ[\w-]+\.[\w-]+\./i.test(value);
    if (names.has(name.toLowerCase()) || value.includes(apiKeyPrefix) || jwt) return problem;
  }
  return undefined;
}
