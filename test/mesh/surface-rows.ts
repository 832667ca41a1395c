/** HTTP surfaces that a service serves itself: by whom their port is reached, and what callers from outside get. */
import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { createClient } from "@connectrpc/connect";
import type { Person } from "@wellapi/demo/people";
import type { Access } from "@wellapi/gen/wellapi/audit/v1/audit_pb";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { edge, type MeshPod, podOf, servicePods, stranger } from "./addresses.ts";
import type { ClientCertificate } from "./connection.ts";
import { plainAnswer } from "./gateway-rows.ts";
import { callApi, type HttpCall, wordsOf } from "./http-probe.ts";
import type { Laboratory } from "./laboratory.ts";
import type { Outside } from "./outside.ts";
import { certificateOf } from "./pods.ts";
import type { Row } from "./rows.ts";
import type { Claim } from "./story.ts";

const port = 9080;
const keys = "/.well-known/jwks.json";
/** Not the service itself, which would refuse it, too. */
const byEnvoy = "403 RBAC: access denied";

/** From inside the mesh: the gateway reaches the surfaces' paths by their methods, and nobody anything else. */
export function surfacePortRows({ world, plane }: Laboratory): readonly Row[] {
  const group = "the surfaces' ports";
  const { ip } = podOf("identity");
  const ask = (as: ClientCertificate, path: string, method?: string) =>
    answerOf(
      connect({
        host: ip,
        port,
        ca: plane.root,
        ...as,
        ALPNProtocols: ["istio-http/1.1", "http/1.1"],
        checkServerIdentity: () => undefined,
      }),
      path,
      method,
    );
  const gateway = podOf("gateway");
  const as = (pod: MeshPod) => certificateOf(world, pod).as;
  return [
    ...[...servicePods, stranger, edge].map(
      (pod): Row => ({
        group,
        name: `${pod.name} → identity's surfaces`,
        expected: pod === gateway ? "200" : byEnvoy,
        run: () => ask(as(pod), keys),
      }),
    ),
    {
      group,
      name: "gateway → identity's surfaces, by POST",
      expected: byEnvoy,
      run: () => ask(as(gateway), keys, "POST"),
    },
    {
      group,
      name: "gateway → an RPC at the surfaces' port",
      expected: byEnvoy,
      run: () => ask(as(gateway), "/wellapi.identity.v1.TokenService/GetJwks", "POST"),
    },
    {
      group,
      name: "plain text → identity's surfaces",
      expected: "no connection",
      run: () => plainAnswer(ip, port),
    },
  ];
}

function answerOf(socket: TLSSocket, path: string, method = "GET"): Promise<string> {
  return new Promise((resolve) => {
    socket.once("error", () => resolve("no connection"));
    const sent = request({ createConnection: () => socket, path, method });
    sent.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.once("end", () => {
        resolve(`${response.statusCode} ${wordsOf(body)}`.trim());
        socket.destroy();
      });
      response.once("error", () => resolve("cut"));
    });
    sent.once("error", () => resolve("no connection"));
    sent.end();
  });
}

/** From outside: a REST read of a patient by nobody, by wrong callers and by the right ones. */
export function surfaceRows({ tokens, server, apiKey, person }: Outside): readonly Row[] {
  const group = "a surface from outside";
  const path = `/test/patients/${person.id}`;
  const by = (secret: string) => ({ authorization: `Bearer ${secret}` });
  const rows: readonly (readonly [string, string, HttpCall])[] = [
    ["a read without a credential", "401 unauthenticated", { path }],
    ["a read by an unknown API key", "401 unauthenticated", { path, headers: by("wellapi_sk_none") }],
    ["a read by a token that has expired", "401 Jwt is expired", { path, headers: by(tokens.expired) }],
    ["a read by a company's API key", "403 permission_denied", { path, headers: by(apiKey) }],
    [
      "a read of another patient",
      "403 permission_denied",
      { path: "/test/patients/pat_nobody", headers: by(tokens.patient) },
    ],
    ["a read by the patient", "200", { path, headers: by(tokens.patient) }],
    ["a read by the operator", "200", { path, headers: by(server.operatorKey!) }],
    [
      "a read by the patient, with the name of another service",
      "200",
      { path, headers: { ...by(tokens.patient), "x-forwarded-client-cert": "URI=spiffe://x" } },
    ],
  ];
  return [
    ...rows.map(
      ([name, expected, call]): Row => ({
        group,
        name,
        expected,
        run: () => callApi({ method: "GET", ...call }),
      }),
    ),
    {
      group,
      name: "a surface's path by POST",
      expected: "404 not_found",
      run: () => callApi({ path, headers: by(tokens.patient) }),
    },
  ];
}

/** What a read by the surface and one by the RPC leave in the log. */
export async function compareEntries({ tokens, person }: Outside): Promise<readonly Claim[]> {
  const headers = { authorization: `Bearer ${tokens.patient}` };
  const rpc = await entryAfter(person, () =>
    callApi({
      path: "/wellapi.identity.v1.PatientService/GetPatient",
      headers,
      body: { patient: person.id },
    }),
  );
  const surface = await entryAfter(person, () =>
    callApi({ path: `/test/patients/${person.id}`, method: "GET", headers }),
  );
  const shared = ({ id: _id, time: _time, requestId: _requestId, ...rest }: Access) =>
    JSON.stringify(rest, (_key, value) => (typeof value === "bigint" ? String(value) : value));
  return [
    { name: "the surface's read is an entry of its own", expected: true, found: rpc.id !== surface.id },
    { name: "and otherwise the RPC's", expected: shared(rpc), found: shared(surface) },
  ];
}

async function entryAfter({ transport }: Person, read: () => Promise<unknown>): Promise<Access> {
  const audit = createClient(AuditService, transport);
  const newest = async () => (await audit.listAccesses({ pageSize: 1 })).accesses[0]?.access;
  // Entries come a moment after their calls: those of earlier ones are there once a second brings none.
  let before: Access | undefined;
  for (let now = await newest(); now?.id !== before?.id; now = await newest()) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await read();
  for (const from = performance.now(); performance.now() - from < 10_000; ) {
    const after = await newest();
    if (after !== undefined && after.id !== before?.id) return after;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the read left no entry");
}
