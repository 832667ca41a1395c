import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { logSurface } from "@wellapi/audit";
import { forwardingRoute, publicServices } from "@wellapi/gateway";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import { keysSurface } from "@wellapi/identity";
import { createStreamLimit, type ServerTls } from "@wellapi/rpc";
import { composeEnforcer } from "../compositions.ts";
import { createDoorAuthentication, drainDoors, openGrpcDoor, openHttpDoor, urlHost } from "../doors.ts";
import { createSurfaceDoor } from "../surface-door.ts";
import type { EdgeConfig, ServiceConfig } from "./config.ts";
import { patiently } from "./patience.ts";
import type { MeshPlatform } from "./platform.ts";

const workload = "gateway";
const callMs = 5_000;

/** Both edges in one process: the providers' gRPC door and the HTTP gateway, forwarding to the services. */
export async function openEdges(platform: MeshPlatform, config: ServiceConfig, signal: AbortSignal) {
  const { network, clock, closers, log, installation } = platform;
  const edges = config.edges!;
  const upstream = network.unauthenticated(workload);
  const { host, connectionAgeMs } = config;
  const settings = { ...edges, host, ...(connectionAgeMs ? { connectionAgeMs } : {}) };
  const authentication = createDoorAuthentication({
    workload,
    network,
    clock,
    recheckMs: edges.credentialRecheckMs,
    believeMs: edges.credentialCacheMs,
  });

  const streamLimit = createStreamLimit({ perApplication: edges.streamsPerApplication });
  const { enforcer, answers } = composeEnforcer(platform, workload);
  const audit = createClient(AuditService, upstream);
  const certificate = () => doorCertificate(platform, config.host, edges);
  // Identity and audit may start after the edges.
  const { clientAuthority } = await patiently(signal, certificate);
  const { verifierKey } = await patiently(signal, () => audit.getCheckpoint({}, { timeoutMs: callMs }));
  await enforcer.ready(signal);
  const grpc = await openGrpcDoor({
    settings,
    routes: publicServices.map((service) => forwardingRoute(service, upstream, "http2")),
    authentication,
    answers,
    streamLimit,
    certificate,
    reflection: installation.profile === "sandbox",
    clock,
    closers,
    log,
  });
  const door = createSurfaceDoor({ routes: [], upstream, authentication, answers, streamLimit, log });
  const gateway = await openHttpDoor({
    settings,
    upstream,
    authentication,
    answers,
    streamLimit,
    surfaces: [logSurface, keysSurface].map((surface) => ({ surface, door })),
    ready: async () => true,
    closers,
    log,
  });
  closers.push("doors", () => drainDoors([grpc, gateway], config.drainMs));
  return {
    grpc: `https://${urlHost(config.host)}:${grpc.port}`,
    http: `http://${urlHost(config.host)}:${gateway.port}`,
    authority: clientAuthority,
    verifierKey,
  };
}

/** From files where they are given, else signed by identity for a key that is made here and stays here. */
async function doorCertificate(platform: MeshPlatform, host: string, edges: EdgeConfig): Promise<ServerTls> {
  const identity = createClient(EdgeCertificateService, platform.network.onOwn(workload));
  if (edges.doorFiles) {
    const { authority } = await identity.getAuthority({}, { timeoutMs: callMs });
    return {
      certificate: await readFile(edges.doorFiles.certificate, "utf8"),
      privateKey: await readFile(edges.doorFiles.privateKey, "utf8"),
      clientAuthority: authority,
    };
  }
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=wellapi",
    keys,
    signingAlgorithm: algorithm,
  });
  const { certificate, authority } = await identity.issueServerCertificate(
    {
      certificateRequest: request.toString("pem"),
      hosts: edges.doorHosts.length > 0 ? [...edges.doorHosts] : [host],
    },
    { timeoutMs: callMs },
  );
  const privateKey = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate, privateKey, clientAuthority: authority };
}
