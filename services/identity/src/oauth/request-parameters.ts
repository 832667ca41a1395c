import { json, type ProtocolAnswer, type ProtocolRequest } from "./protocol-message.ts";
import { paths } from "./surface-endpoints.ts";

/**
 * The request as the library needs it. The library drops `offline_access` unless the client asks for consent by `prompt`,
 * which SMART's clients never do; here a person is always asked, so the prompt is only said. And the code goes back in
 * the query: other response modes would show it to scripts, or need some.
 */
export function corrected(request: ProtocolRequest, path: string): ProtocolRequest | ProtocolAnswer {
  if (path !== paths.authorization && path !== paths.pushed) return request;
  const pushed = path === paths.pushed;
  const [, query = ""] = request.target.split("?", 2);
  const parameters = new URLSearchParams(pushed ? request.body : query);
  if (parameters.getAll("response_mode").some((mode) => mode !== "query")) {
    return json(400, {
      error: "invalid_request",
      error_description: "response_mode must be query, or left out",
    });
  }
  if (!asksForOffline(parameters)) return request;
  const [prompt, ...others] = parameters.getAll("prompt");
  const said = prompt?.split(" ") ?? [];
  if (others.length > 0 || said.includes("none") || said.includes("consent")) return request;
  parameters.set("prompt", [...said, "consent"].join(" "));
  const text = parameters.toString();
  return pushed ? { ...request, body: text } : { ...request, target: `${path}?${text}` };
}

function asksForOffline(parameters: URLSearchParams): boolean {
  return parameters.getAll("scope").some((scope) => scope.split(" ").includes("offline_access"));
}
