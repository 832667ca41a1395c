import type { ProtocolRequest } from "./protocol-message.ts";
import type { StateRepository } from "./state-repository.ts";
import { paths } from "./surface-endpoints.ts";

/**
 * A public client need not name itself when it refreshes (RFC 6749, section 6), and the browser library of SMART does not; ours wants
 * the name. The refresh token says whose it is. A client that has to prove itself does not pass by its name.
 */
export function createClientNaming(states: Pick<StateRepository, "find">) {
  return async (request: ProtocolRequest): Promise<ProtocolRequest> => {
    const path = request.target.split("?", 1)[0];
    if (request.method !== "POST" || path !== paths.token) return request;
    const parameters = new URLSearchParams(request.body);
    const token = parameters.get("refresh_token");
    const named =
      ["client_id", "client_assertion"].some((name) => parameters.has(name)) ||
      request.headers.authorization !== undefined;
    if (parameters.get("grant_type") !== "refresh_token" || token === null || named) return request;
    const client = (await states.find("RefreshToken", token))?.clientId;
    if (typeof client !== "string") return request;
    parameters.set("client_id", client);
    return { ...request, body: parameters.toString() };
  };
}
