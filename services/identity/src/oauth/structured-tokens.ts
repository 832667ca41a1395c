import type { OwnTokens } from "./own-tokens.ts";
import { json, type ProtocolAnswer, type ProtocolRequest } from "./protocol-message.ts";
import type { OAuthStandings } from "./standings.ts";

type ByLibrary = (request: ProtocolRequest) => Promise<ProtocolAnswer & { readonly client?: string }>;

/** Stands for the token in the request that proves the client; no token is like it. */
const none = "none";

/**
 * Revocation (RFC 7009) and introspection (RFC 7662) of JWT access tokens, which the library refuses, because it stores
 * none. The library proves the client; then we look at the token.
 */
export function createStructuredTokens(deps: {
  readonly tokens: OwnTokens;
  readonly standings: OAuthStandings;
}) {
  const { tokens, standings } = deps;

  /** The claims of an access token of the client, and the library's answer for a token that it does not know. */
  async function shown(request: ProtocolRequest, byLibrary: ByLibrary) {
    const parameters = new URLSearchParams(request.body);
    const [token = "", ...others] = parameters.getAll("token");
    if (others.length > 0 || token.split(".").length !== 3) return { answer: await byLibrary(request) };
    parameters.set("token", none);
    const answer = await byLibrary({ ...request, body: parameters.toString() });
    if (answer.status !== 200) return { answer };
    const claims = await tokens.access(token);
    return claims?.client_id === answer.client ? { answer, claims } : { answer };
  }

  return {
    async revoke(request: ProtocolRequest, byLibrary: ByLibrary): Promise<ProtocolAnswer> {
      const { answer, claims } = await shown(request, byLibrary);
      if (claims === undefined) return answer;
      const grant = claims.grant;
      if (typeof grant === "string") await standings.endGrant(grant);
      else await standings.revoke(claims.jti!, claims.exp! * 1_000 + 60_000);
      return answer;
    },
    async introspect(request: ProtocolRequest, byLibrary: ByLibrary): Promise<ProtocolAnswer> {
      const { answer, claims } = await shown(request, byLibrary);
      if (claims === undefined) return answer;
      const grant = claims.grant;
      const active =
        typeof grant === "string"
          ? (await standings.findGrant(grant)) !== undefined
          : !(await standings.isRevoked(claims.jti!));
      if (!active) return json(200, { active: false });
      const bound = (claims.cnf as { jkt?: string } | undefined)?.jkt !== undefined;
      return json(200, { active: true, token_type: bound ? "DPoP" : "Bearer", ...claims });
    },
  };
}
