/** How a call shows who makes it, by the callers that its contract names. */
import { CallerKind, type Callers } from "../../gen/wellapi/type/v1/callers_pb.js";
import { sessionCookieName } from "../../packages/rpc/src/caller/session-cookie.ts";
import { parseScope, type SmartContext } from "../../packages/scopes/src/smart-scope.ts";

export type Requirement = Readonly<Record<string, readonly string[]>>;

const { ANYONE, APPLICATION, OPERATOR, PATIENT, PERSON, MEMBER } = CallerKind;
/** Who signs in as a person. */
const people = [PATIENT, PERSON, MEMBER, OPERATOR];

/** Any one of them; none for what anybody may call. */
export function requirementsOf({ kinds, scopes }: Callers): readonly Requirement[] {
  if (kinds.includes(ANYONE)) return [];
  const has = (...ofThem: readonly CallerKind[]) => ofThem.some((one) => kinds.includes(one));
  return [
    ...(has(APPLICATION, OPERATOR) ? [needed("apiKey"), needed("apiKeyHeader")] : []),
    ...(has(APPLICATION) ? [needed("mutualTLS")] : []),
    ...(has(PATIENT) ? [needed("patientToken")] : []),
    ...scopes.flatMap((scope) => requestableScopes(scope, kinds)).map((scope) => needed("oauth2", scope)),
    ...(has(...people) ? [needed("session")] : []),
  ];
}

function needed(scheme: string, ...scopes: readonly string[]): Requirement {
  return { [scheme]: scopes };
}

/** Whose tokens hold scopes of the context. */
const contexts: Readonly<Record<SmartContext, readonly CallerKind[]>> = {
  patient: [PATIENT, APPLICATION],
  user: [MEMBER],
  system: [APPLICATION],
};

/** `Observation.s` names a resource and a permission: tokens hold it in the context of whom they are for. */
function requestableScopes(scope: string, kinds: readonly CallerKind[]): readonly string[] {
  if (parseScope(`system/${scope}`) === undefined) return [scope];
  return (Object.keys(contexts) as SmartContext[])
    .filter((context) => contexts[context].some((kind) => kinds.includes(kind)))
    .map((context) => `${context}/${scope}`);
}

const scopeWords: Readonly<Record<string, string>> = {
  "wellapi:account": "The account of whoever signs in. For this exchange's own command line.",
  "wellapi:carers": "Who acts in a patient's name. For this exchange's own command line.",
  "wellapi:organization": "A member's place in an organization. For this exchange's own command line.",
  "wellapi:staff": "A place in the installation's staff. For this exchange's own command line.",
};
const contextWords: Readonly<Record<SmartContext, string>> = {
  patient: "of the patient who agreed",
  user: "of the patients whom the signed-in person may see",
  system: "of every patient whose consent permits it",
};

function inWords(scope: string): string {
  const smart = parseScope(scope);
  if (smart === undefined) return scopeWords[scope] ?? "A scope of this exchange.";
  const resource = smart.resource === "*" ? "any resource" : smart.resource;
  return `${resource}, permission ${smart.permissions}, ${contextWords[smart.context]} (SMART App Launch 2.2).`;
}

/** All schemes; the OAuth scopes are those that the requirements name. */
export function securitySchemes(requirements: readonly Requirement[]): Readonly<Record<string, unknown>> {
  const named = [...new Set(requirements.flatMap(({ oauth2 = [] }) => oauth2))].sort();
  const scopes = Object.fromEntries(named.map((scope) => [scope, inWords(scope)]));
  const tokenUrl = "/oauth2/token";
  return {
    apiKey: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "wellapi_sk_...",
      description: "An API key of an application, or of the operator's scripts.",
    },
    apiKeyHeader: {
      type: "apiKey",
      in: "header",
      name: "x-api-key",
      description: "The same key, where `authorization` is taken. A key in the URL is refused.",
    },
    mutualTLS: {
      type: "mutualTLS",
      description:
        "A client certificate that the installation issued to an application, at the port of WELLAPI_MTLS_PORT. The gRPC door takes it, too.",
    },
    patientToken: {
      type: "http",
      scheme: "bearer",
      description: "A patient's token that the operator issued, in a sandbox only.",
    },
    oauth2: {
      type: "oauth2",
      description:
        "An access token. Clients prove themselves by `private_key_jwt` or a certificate: there are no client secrets. Where an operation names several scopes, one of them is enough, and `*` as its resource includes every resource.",
      flows: {
        authorizationCode: { authorizationUrl: "/oauth2/authorize", tokenUrl, refreshUrl: tokenUrl, scopes },
        clientCredentials: {
          tokenUrl,
          scopes: Object.fromEntries(Object.entries(scopes).filter(([scope]) => scope.startsWith("system/"))),
        },
      },
    },
    session: {
      type: "apiKey",
      in: "cookie",
      name: sessionCookieName,
      description:
        "The session of a person who signed in at /sign-in. For the exchange's own pages: pages of other origins cannot send it.",
    },
  };
}
