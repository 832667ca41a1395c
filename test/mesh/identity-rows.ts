/** Who a caller is: nobody without a certificate of this mesh, and never who it says itself. */
import { connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ExchangeCredentialRequestSchema,
  ExchangeCredentialResponseSchema,
} from "@wellapi/gen/wellapi/internal/identity/v1/token_exchange_service_pb";
import { forwardedCertificateHeader } from "@wellapi/rpc";
import { decodeJwt } from "jose";
import type { Row as TableRow } from "../../scripts/manifests/callers-table.ts";
import { type MeshPod, podOf, servicePods } from "./addresses.ts";
import { createAuthority, type Pair } from "./authority.ts";
import { grpcPort } from "./callers.ts";
import { type ClientCertificate, connectPod, quiet, spiffeIdOf } from "./connection.ts";
import { callGrpc, type GrpcReply } from "./grpc-probe.ts";
import type { Laboratory } from "./laboratory.ts";
import { certificateOf } from "./pods.ts";
import type { Row } from "./rows.ts";

const group = "who a caller is";

/** With a call that is permitted to the one whose certificate is forged, so that nothing else can refuse it. */
export async function identityRows(
  { plane, world }: Laboratory,
  table: readonly TableRow[],
): Promise<readonly Row[]> {
  const foreign = await createAuthority("root of another mesh");
  const { root } = plane;
  return (
    await Promise.all(
      servicePods
        .filter(({ name }) => name !== "gateway")
        .map(async (pod) => {
          const { path, caller } = permitted(pod, table);
          const uri = spiffeIdOf(caller);
          const forged: readonly [string, ClientCertificate | undefined][] = [
            ["no certificate", undefined],
            ["a certificate of another mesh", ofPair(await foreign.issue({ name: "forged", uri }))],
            [
              "a certificate that has expired",
              ofPair(
                await plane.authority.issue({ name: "late", uri, notAfter: new Date(Date.now() - 60_000) }),
                plane.authority.certificate,
              ),
            ],
            [
              "a certificate of another trust domain",
              ofPair(
                await plane.authority.issue({ name: "abroad", uri: spiffeIdOf(caller, "elsewhere.example") }),
                plane.authority.certificate,
              ),
            ],
          ];
          const refused = forged.map(
            ([what, as]): Row => ({
              group,
              name: `${what} → ${pod.name}`,
              expected: "no connection",
              run: () => once(connectPod({ to: pod.name, port: grpcPort, ca: root, as }), path),
            }),
          );
          const plain: Row = {
            group,
            name: `plain text → ${pod.name}`,
            expected: "no connection",
            run: () => once(quiet(connect(`http://${pod.ip}:${grpcPort}`)), path),
          };
          const { as } = certificateOf(world, caller);
          const health: Row = {
            group,
            name: `a permitted caller → ${pod.name}'s port of health`,
            expected: "no connection",
            run: () => once(connectPod({ to: pod.name, port: 8081, ca: root, as }), path),
          };
          return [...refused, plain, health];
        }),
    )
  )
    .flat()
    .concat(forwardedRows());
}

/** Somebody who may call the pod, and what. */
function permitted(pod: MeshPod, table: readonly TableRow[]): { path: string; caller: MeshPod } {
  const row = table.find(({ service }) => service === pod.name);
  // A service of surfaces alone has no RPC; the gateway passes requests on to it.
  if (row === undefined) return { path: "/", caller: podOf("gateway") };
  return { path: row.path, caller: podOf(row.callers[0]!) };
}

/** identity answers an exchange with a token of who it took the caller for. */
function forwardedRows(): readonly Row[] {
  const path = "/wellapi.internal.identity.v1.TokenExchangeService/ExchangeCredential";
  const request = create(ExchangeCredentialRequestSchema, { credential: { case: "workload", value: true } });
  const message = toBinary(ExchangeCredentialRequestSchema, request);
  const headers = { [forwardedCertificateHeader]: `By=spiffe://x;URI=${spiffeIdOf(podOf("gateway"))}` };
  const call = { path, message, headers };
  const records = podOf("records");
  return [
    {
      group: "through sidecars",
      name: "records says it is the gateway, through its sidecar → identity takes it for",
      expected: "records",
      run: async (round) => takenFor(await round.throughSidecar(records, "identity", call)),
    },
    {
      group,
      name: "records says it is the gateway, past its sidecar → identity takes it for",
      expected: "records",
      run: async (round) => takenFor(await round.withCertificate(records, "identity", call)),
    },
  ];
}

function takenFor({ outcome, message }: GrpcReply): string {
  if (message === undefined) return outcome;
  const { token } = fromBinary(ExchangeCredentialResponseSchema, Uint8Array.from(message));
  return String(decodeJwt(token).sub);
}

async function once(session: ReturnType<typeof connect>, path: string): Promise<string> {
  try {
    return (await callGrpc(session, { path })).outcome;
  } finally {
    session.destroy();
  }
}

function ofPair({ certificate, privateKey }: Pair, issuer = ""): ClientCertificate {
  return { cert: certificate + (issuer && `\n${issuer}`), key: privateKey };
}
