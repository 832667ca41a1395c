import type { Clock, Logger } from "@wellapi/runtime";
import { parseScope } from "@wellapi/scopes";
import type { Pairwise } from "@wellapi/vault";
import inject from "light-my-request";
import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import type { OrganizationRepository } from "../organizations/organization-repository.ts";
import type { SigningKeys } from "../tokens/signing-keys.ts";
import { unavailable } from "./adapter.ts";
import { isStatic } from "./client.ts";
import { discoveryOf, smartConfigurationOf } from "./discovery.ts";
import type { Grant } from "./grant.ts";
import { createLogout } from "./logout.ts";
import { createOwnTokens } from "./own-tokens.ts";
import { json, type ProtocolAnswer, type ProtocolRequest } from "./protocol-message.ts";
import { createProviders, type ProviderDeps, patientOf, type ShownCertificate } from "./provider.ts";
import { corrected } from "./request-parameters.ts";
import type { OAuthStandings } from "./standings.ts";
import type { StateRepository } from "./state-repository.ts";
import { createStructuredTokens } from "./structured-tokens.ts";
import { type Endpoints, fhirId, paths } from "./surface-endpoints.ts";
import { createClientNaming } from "./unnamed-client.ts";

/** The OAuth 2 / OpenID Connect protocol: requests in, answers out. */
export interface Protocol {
  handle(request: ProtocolRequest): Promise<ProtocolAnswer>;
  /** The library as it stands now, for interactions. */
  provider(): Provider;
}

export interface ProtocolDeps
  extends Pick<ProviderDeps, "endpoints" | "adapter" | "keys" | "pairwise" | "secrets" | "log"> {
  readonly endpoints: Endpoints;
  readonly keys: SigningKeys;
  readonly pairwise: Pairwise;
  readonly standings: OAuthStandings;
  /** Proofs and assertions that were used, and whose refresh tokens are. */
  readonly states: Pick<StateRepository, "insert" | "find">;
  readonly organizations: Pick<OrganizationRepository, "application">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is remembered of one request while the library works on it. */
interface Memory {
  readonly certificate: ShownCertificate | undefined;
  readonly grants: Map<string, Promise<Grant | undefined>>;
  /** The client that has proved itself. */
  client?: string;
}

const libraryRoutes: Readonly<Record<string, readonly string[]>> = {
  GET: [paths.authorization, paths.openid, paths.oauth],
  POST: [paths.token, paths.pushed, paths.introspection, paths.revocation, paths.device],
};

export function createProtocol(deps: ProtocolDeps): Protocol {
  const { endpoints, keys, standings, clock } = deps;
  const memories = new WeakMap<object, Memory>();
  const provider = createProviders({
    ...deps,
    certificateOf: (request) => memories.get(request)?.certificate,
    grantOf: (request, id) => grantOf(standings, memories.get(request), id),
    answered: async (ctx) => {
      const memory = memories.get(ctx.req);
      if (memory !== undefined && ctx.oidc.client !== undefined) memory.client = ctx.oidc.client.clientId;
      if (memory !== undefined) await completeTokenAnswer(ctx, memory, deps);
    },
  });
  const tokens = createOwnTokens({ endpoints, keys, clock });
  const structured = createStructuredTokens({ tokens, standings });
  const logout = createLogout({ ...deps, tokens });
  const withClient = createClientNaming(deps.states);
  const { protocol: scheme, host } = new URL(endpoints.issuer);

  /** The library's answer, and the client that has proved itself. */
  async function byLibrary(request: ProtocolRequest): Promise<ProtocolAnswer & { readonly client?: string }> {
    const memory: Memory = { certificate: request.certificate, grants: new Map() };
    const callback = provider().callback();
    const response = await inject(
      (req, res) => {
        memories.set(req, memory);
        callback(req, res);
      },
      {
        method: request.method as "GET",
        url: request.target,
        headers: { ...request.headers, host, "x-forwarded-proto": scheme.slice(0, -1) },
        ...(request.body !== "" && { payload: request.body }),
      },
    );
    const answer = {
      status: response.statusCode,
      headers: headersOf(response.headers),
      body: response.payload,
    };
    return memory.client === undefined ? answer : { ...answer, client: memory.client };
  }

  async function metadata(request: ProtocolRequest): Promise<Record<string, unknown>> {
    const { body } = await byLibrary({ ...request, target: paths.openid, body: "" });
    return { ...discoveryOf(JSON.parse(body) as Record<string, unknown>, endpoints) };
  }

  return {
    provider,
    async handle(request) {
      const path = request.target.split("?", 1)[0]!;
      if (request.method === "GET" && (path === paths.smart || path === paths.fhirSmart))
        return json(200, smartConfigurationOf(await metadata(request)));
      if (request.method === "GET" && (path === paths.openid || path === paths.oauth))
        return json(200, await metadata(request));
      if (path === paths.logout) return logout(request);
      const resumes = request.method === "GET" && /^\/oauth2\/authorize\/[\w-]{1,64}$/.test(path);
      if (!resumes && !libraryRoutes[request.method]?.includes(path))
        return json(404, { error: "not_found" });
      const made = corrected(request, path);
      if ("status" in made) return made;
      if (path === paths.introspection) return structured.introspect(made, byLibrary);
      if (path === paths.revocation) return structured.revoke(made, byLibrary);
      return retriable(await byLibrary(await withClient(made)));
    },
  };
}

function grantOf(
  standings: OAuthStandings,
  memory: Memory | undefined,
  id: string,
): Promise<Grant | undefined> {
  const asked =
    memory?.grants.get(id) ??
    standings.findGrant(id).catch((error: unknown) => {
      throw unavailable(error);
    });
  memory?.grants.set(id, asked);
  return asked;
}

/** What SMART wants in the token response, and what the library leaves out of `scope` where there is a resource. */
async function completeTokenAnswer(
  ctx: KoaContextWithOIDC,
  memory: Memory,
  { standings, pairwise, endpoints }: Pick<ProtocolDeps, "standings" | "pairwise" | "endpoints">,
): Promise<void> {
  const { route, entities, params } = ctx.oidc;
  const source = entities.AuthorizationCode ?? entities.RefreshToken ?? entities.DeviceCode;
  if (route !== "token" || ctx.status !== 200 || source?.grantId === undefined) return;
  const body = ctx.body as Record<string, unknown>;
  const asked = (params?.scope as string | undefined)?.split(" ");
  const statics = (source.scope ?? "").split(" ").filter(isStatic);
  const given = [
    ...statics.filter((scope) => asked === undefined || asked.includes(scope)),
    ...((body.scope as string | undefined) ?? "").split(" ").filter(Boolean),
  ];
  const grant = await grantOf(standings, memory, source.grantId);
  const ofPatient = given.some(
    (scope) => scope === "launch/patient" || parseScope(scope)?.context === "patient",
  );
  const known = grant !== undefined && ofPatient ? patientOf(pairwise, grant) : undefined;
  const ofFhir = [source.resource].flat().some((one) => one === endpoints.fhir || one === endpoints.fhirBase);
  const patient = known !== undefined && ofFhir ? fhirId(known) : known;
  ctx.body = { ...body, scope: [...new Set(given)].join(" "), ...(patient !== undefined && { patient }) };
}

function retriable(answer: ProtocolAnswer): ProtocolAnswer {
  return answer.status === 503 ? { ...answer, headers: [...answer.headers, ["retry-after", "1"]] } : answer;
}

/** Headers that the surface writes itself. */
const ownHeaders = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);

/** Without the library's session: a person's session is the installation's own. */
function headersOf(
  headers: Readonly<Record<string, unknown>>,
): ReadonlyArray<readonly [name: string, value: string]> {
  return Object.entries(headers)
    .filter(([name]) => !ownHeaders.has(name))
    .flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)] as const))
    .filter(([name, value]) => name !== "set-cookie" || !value.startsWith("wellapi_op_session"));
}
