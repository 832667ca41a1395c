/** The HTTP edge, from outside: what gets through, and what a token must be. */

import type { DescService } from "@bufbuild/protobuf";
import { isPublic } from "@wellapi/rpc";
import { callApi, type HttpCall } from "./http-probe.ts";
import { internalToken, type Outside } from "./outside.ts";
import type { Row } from "./rows.ts";

/** For patients: what a token opens. */
const consents = "/wellapi.consent.v1.ConsentService/ListConsents";
/** For operators: what an API key opens. */
const organizations = "/wellapi.identity.v1.OrganizationService/ListOrganizations";
const edgeToken = "x-wellapi-edge-token";

export function tokenRows({ tokens, server }: Outside): readonly Row[] {
  const by = (token: string, scheme = "Bearer") => ({ authorization: `${scheme} ${token}` });
  const rows: readonly (readonly [string, string, HttpCall])[] = [
    ["no credential", "401 unauthenticated", { path: consents }],
    ["an API key", "200", { path: organizations, headers: by(server.operatorKey!) }],
    ["a patient's token", "200", { path: consents, headers: by(tokens.patient) }],
    ["a patient's token, in small letters", "200", { path: consents, headers: by(tokens.patient, "bearer") }],
    ["a token that has expired", "401 Jwt is expired", { path: consents, headers: by(tokens.expired) }],
    [
      "a token of another issuer",
      "401 Jwt issuer is not configured",
      { path: consents, headers: by(tokens.foreignIssuer) },
    ],
    [
      "a token by a forged key",
      "401 Jwks doesn't have key to match kid or alg from Jwt",
      { path: consents, headers: by(tokens.forged) },
    ],
    [
      "a token in the edge's own header alone",
      "401 unauthenticated",
      { path: consents, headers: { [edgeToken]: `Bearer ${tokens.patient}` } },
    ],
    [
      "a bad token in the edge's own header, beside an API key",
      "200",
      {
        path: organizations,
        headers: { ...by(server.operatorKey!), [edgeToken]: `Bearer ${tokens.forged}` },
      },
    ],
    [
      "a good token in the edge's own header, beside a bad one",
      "401 Jwt is expired",
      { path: consents, headers: { ...by(tokens.expired), [edgeToken]: `Bearer ${tokens.patient}` } },
    ],
  ];
  const group = "tokens at the edge";
  return [
    ...rows.map(([name, expected, call]): Row => ({ group, name, expected, run: () => callApi(call) })),
    {
      group,
      name: "a token for another audience",
      expected: "403 Audiences in Jwt are not allowed",
      run: async (round) => callApi({ path: consents, headers: by(await internalToken(round)) }),
    },
  ];
}

/** Every service of the contracts, and what is no service. */
export function routeRows(services: readonly DescService[]): readonly Row[] {
  const group = "routes at the edge";
  const byContract = services.map((service): Row => {
    const path = `/${service.typeName}/${service.methods[0]!.name}`;
    return {
      group,
      name: `${service.typeName} from outside`,
      expected: isPublic(service) ? "the gateway answers" : "no route",
      run: async () => ((await callApi({ path })) === "404" ? "no route" : "the gateway answers"),
    };
  });
  const others: readonly (readonly [string, string, HttpCall])[] = [
    ["the keys of tokens", "200", { path: "/.well-known/jwks.json", method: "GET" }],
    ["the log's checkpoint", "200", { path: "/log/checkpoint", method: "GET" }],
    ["health", "404", { path: "/healthz", method: "GET" }],
    ["readiness", "404", { path: "/readyz", method: "GET" }],
    ["DELETE", "403 RBAC: access denied", { path: consents, method: "DELETE" }],
    ["TLS 1.2", "no connection", { path: consents, maxVersion: "TLSv1.2" }],
    ["another server's name", "no connection", { path: consents, serverName: "elsewhere.example" }],
  ];
  return [
    ...byContract,
    ...others.map(([name, expected, call]): Row => ({ group, name, expected, run: () => callApi(call) })),
  ];
}
