/** The gateway's three ports, from inside the mesh: the edge reaches them, and nobody else. */

import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { edge, grpcHost, type MeshPod, mtlsHost, podOf, servicePods, stranger } from "./addresses.ts";
import type { ClientCertificate } from "./connection.ts";
import type { Laboratory } from "./laboratory.ts";
import { certificateOf } from "./pods.ts";
import type { Row } from "./rows.ts";

const group = "the gateway's ports";
const httpPort = 7080;
const doorPort = 7443;
const mtlsPort = 7444;

export function gatewayRows({ world, plane }: Laboratory): readonly Row[] {
  const { ip } = podOf("gateway");
  const tlsTo = (port: number, as: ClientCertificate, ...ALPNProtocols: string[]) =>
    connect({ host: ip, port, ca: plane.root, ...as, ALPNProtocols, checkServerIdentity: () => undefined });
  return [
    ...[...servicePods, stranger, edge].flatMap((account: MeshPod): Row[] => {
      const as = () => certificateOf(world, account).as;
      return [
        {
          group,
          name: `${account.name} → the gateway's HTTP`,
          expected: account === edge ? "200" : "403",
          run: () => httpStatus(tlsTo(httpPort, as(), "istio-http/1.1", "http/1.1")),
        },
        {
          group,
          name: `${account.name} → the door inside the mesh`,
          expected: account === edge ? "answered" : "no connection",
          run: () => handshakeWithin(tlsTo(doorPort, as(), "istio"), grpcHost),
        },
        {
          group,
          name: `${account.name} → HTTP for clients with certificates, inside the mesh`,
          expected: account === edge ? "answered" : "no connection",
          run: () => handshakeWithin(tlsTo(mtlsPort, as(), "istio"), mtlsHost),
        },
      ];
    }),
    ...[httpPort, doorPort, mtlsPort].map(
      (port): Row => ({
        group,
        name: `plain text → the gateway's port ${port}`,
        expected: "no connection",
        run: () => plainAnswer(ip, port),
      }),
    ),
  ];
}

function httpStatus(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("error", () => resolve("no connection"));
    const sent = request({ createConnection: () => socket, path: "/.well-known/jwks.json", method: "GET" });
    sent.once("response", (response) => {
      resolve(String(response.statusCode));
      socket.destroy();
    });
    sent.once("error", () => resolve("no connection"));
    sent.end();
  });
}

/** A TLS handshake with a door of that name, inside the mesh's own TLS. It answers before it has seen a certificate. */
function handshakeWithin(outer: TLSSocket, servername: string): Promise<string> {
  return new Promise((resolve) => {
    const end = (outcome: string) => () => {
      resolve(outcome);
      outer.destroy();
    };
    outer.once("error", end("no connection"));
    outer.once("close", end("no connection"));
    outer.once("secureConnect", () => {
      const inner = connect({ socket: outer, servername, rejectUnauthorized: false });
      inner.once("secureConnect", end("answered"));
      inner.once("error", end("no connection"));
    });
  });
}

export function plainAnswer(ip: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, ip, () => {
      socket.write("GET /.well-known/jwks.json HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
    });
    socket.once("data", () => resolve("answered"));
    socket.once("error", () => resolve("no connection"));
    socket.once("close", () => resolve("no connection"));
  });
}
