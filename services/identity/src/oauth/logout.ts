import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { OwnTokens } from "./own-tokens.ts";
import { json, type ProtocolAnswer, type ProtocolRequest } from "./protocol-message.ts";
import type { OAuthStandings } from "./standings.ts";

/**
 * OpenID Connect RP-Initiated Logout. The ID token names the grant, whose tokens end; the person's session at this
 * installation is their own and stays, and so does the consent.
 */
export function createLogout(deps: {
  readonly tokens: OwnTokens;
  readonly standings: OAuthStandings;
  readonly organizations: Pick<OrganizationRepository, "application">;
}): (request: ProtocolRequest) => Promise<ProtocolAnswer> {
  const { tokens, standings, organizations } = deps;
  return async ({ method, target, body }) => {
    const parameters = new URLSearchParams(method === "POST" ? body : (target.split("?", 2)[1] ?? ""));
    const hint = parameters.get("id_token_hint");
    if (hint === null) return refusal("id_token_hint is needed: it says which sign-in ends");
    const claims = await tokens.identity(hint);
    const { aud, grant } = claims ?? {};
    if (typeof aud !== "string" || typeof grant !== "string") {
      return refusal("id_token_hint is no ID token of this server");
    }
    const client = parameters.get("client_id");
    if (client !== null && client !== aud)
      return refusal("client_id is not the one that the ID token is for");
    const uri = parameters.get("post_logout_redirect_uri");
    const { oauth } = await organizations.application(aud);
    if (uri !== null && !oauth?.postLogoutRedirectUris.includes(uri)) {
      return refusal("post_logout_redirect_uri is not registered, character by character");
    }
    await standings.endGrant(grant);
    if (uri === null) return { status: 204, headers: [], body: "" };
    const to = new URL(uri);
    const state = parameters.get("state");
    if (state !== null) to.searchParams.set("state", state);
    return { status: 303, headers: [["location", to.href]], body: "" };
  };
}

function refusal(description: string): ProtocolAnswer {
  return json(400, { error: "invalid_request", error_description: description });
}
