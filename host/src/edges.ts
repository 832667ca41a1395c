import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createClient, type Transport } from "@connectrpc/connect";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { forwardingRoute } from "@wellapi/gateway";
import { AuditService } from "@wellapi/gen/wellapi/audit/v1/audit_service_pb";
import { BrowserOriginService } from "@wellapi/gen/wellapi/internal/identity/v1/browser_origin_service_pb";
import { EdgeCertificateService } from "@wellapi/gen/wellapi/internal/identity/v1/edge_certificate_service_pb";
import type { MountedSurface, RegisteredOrigins, Surface } from "@wellapi/http";
import {
  type Authentication,
  type Budget,
  type CertificatePair,
  createStreamLimit,
  createUnadmittedRequests,
  createUnreadAnswers,
  isPublic,
  type ServerTls,
} from "@wellapi/rpc";
import type { ComposedService, Registry, ServiceDescriptor } from "@wellapi/service";
import { type BudgetSettings, openBudget } from "./budgets.ts";
import type { StreamConfig } from "./config.ts";
import {
  createDoorAuthentication,
  type DoorSettings,
  drainDoors,
  openDenials,
  openEndedRequests,
  openGrpcDoor,
  openHttpDoor,
} from "./doors.ts";
import { openHttpCertificate } from "./http-certificate.ts";
import { openMtlsCertificate, type RenewedCertificate } from "./mtls-certificate.ts";
import { patiently } from "./patience.ts";
import type { HostPlatform } from "./platform.ts";
import { createSurfaceDoor } from "./surface-door.ts";

export interface EdgeSettings extends DoorSettings, StreamConfig {
  /** How long an exchanged credential is trusted; the default of `@wellapi/rpc` unless given. */
  readonly credentialCacheMs?: number;
  readonly budgets: BudgetSettings;
  /** Names by which providers call the door; its certificate holds them. Empty: the host. */
  readonly doorHosts: readonly string[];
  /** The door's certificate from elsewhere (cert-manager); absent: identity signs one. */
  readonly doorFiles: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** The gateway's certificate and key; undefined: plain HTTP. */
  readonly httpFiles: CertificatePair | undefined;
  /** Whether something in front of the gateway ends TLS: a mesh's sidecar. */
  readonly behindTls: boolean;
  readonly drainMs: number;
}

/** Where the services are. */
export type EdgeServices =
  /** In this process, by name: the doors serve them themselves. */
  | { readonly composed: ReadonlyMap<string, ComposedService> }
  /** In other processes, to which the doors forward; `elsewhere` represents a surface that another process serves. */
  | { readonly elsewhere: (service: string, surface: Surface) => Surface };

export interface EdgeOptions {
  readonly platform: HostPlatform;
  readonly registry: Registry;
  readonly settings: EdgeSettings;
  readonly services: EdgeServices;
  /** Ends the wait for services that start later. Undefined: all of them run. */
  readonly waiting: AbortSignal | undefined;
}

export interface Edges {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Of the gateway's listener that asks for client certificates; undefined: there is none. */
  readonly mtlsPort: number | undefined;
  /** The installation's own authority, PEM. */
  readonly authority: string;
  /** Verifies the log's checkpoints. */
  readonly verifierKey: string;
}

/** The workload of the gateway, which fetches the gRPC door's certificate, too: the door never acts on its own behalf. */
const http = "gateway";
const callMs = 5_000;

/** Both edges: the providers' gRPC door and the HTTP gateway. Its closer drains both at once. */
export async function openEdges(options: EdgeOptions): Promise<Edges> {
  const { platform, registry, settings, services, waiting } = options;
  const composed = "composed" in services ? services.composed : undefined;
  const { network, clock, closers, log, installation } = platform;
  // In one process the gRPC door is a separate workload; in the mesh both doors are the gateway's.
  const grpc = composed === undefined ? http : "door";
  const upstream = network.unauthenticated(http);
  const budget = await openBudget(settings.budgets, { installation: installation.trustDomain, closers, log });
  const authenticationOf = (workload: string, edge?: "gateway") =>
    edgeAuthentication(options, budget, workload, edge);
  const atGateway = authenticationOf(http);
  const streamLimit = createStreamLimit({
    perApplication: settings.streamsPerApplication,
    perPerson: settings.streamsPerPerson,
  });
  const unread = createUnreadAnswers({ log });
  const { enforcer, answers } = await platform.enforcement(http);
  const audit = createClient(AuditService, upstream);
  const certificate = () => doorCertificate(network.onOwn(http), settings);
  const asked = <T>(call: () => Promise<T>) => (waiting ? patiently(waiting, call) : call());
  const { clientAuthority } = await asked(certificate);
  const { verifierKey } = await asked(() => audit.getCheckpoint({}, { timeoutMs: callMs }));
  await enforcer.ready(waiting);
  const requests = openEndedRequests({ workload: http, network, clock, closers, log });
  const atDoors = { answers, streamLimit, unread, budget, requests, log };
  const shared = { ...atDoors, isConsented: registry.isConsented, closers };
  const atHttp = openDenials({ workload: http, network, closers, log });
  const grpcDoor = await openGrpcDoor({
    ...shared,
    settings,
    denials: grpc === http ? atHttp : openDenials({ workload: grpc, network, closers, log }),
    routes: composed
      ? [...composed.values()].flatMap(({ routes }) => routes).filter(({ service }) => isPublic(service))
      : registry.publicContracts.map((service) => forwardingRoute(service, upstream, "http2")),
    selfValidating: registry.services.flatMap((service) => service.selfValidating ?? []),
    authentication: grpc === http ? atGateway : authenticationOf(grpc),
    certificate,
    profile: installation.profile,
    clock,
  });
  const certificates = await openHttpCertificate(settings, platform);
  const gateway = await openHttpDoor({
    ...shared,
    settings,
    profile: installation.profile,
    certificates,
    mtls: await mtlsCertificate(options, certificates),
    registeredOrigins: registeredOrigins(network.onOwn(http)),
    upstream,
    services: registry.publicContracts,
    readOnly: platform.readOnly,
    authentication: atGateway,
    denials: atHttp,
    surfaces: registry.services.flatMap((descriptor) =>
      surfacesOf(descriptor, services, installation.origin, (name, { routes }) => {
        const authentication = authenticationOf(name, http);
        const own = { registry, name, routes, upstream: network.unauthenticated(name), authentication };
        return {
          door: createSurfaceDoor({ ...own, ...atDoors }),
          unadmitted: createUnadmittedRequests({ authentication, requests }),
        };
      }),
    ),
  });
  closers.push("doors", () => drainDoors([grpcDoor, gateway], settings.drainMs));
  return {
    grpcPort: grpcDoor.port,
    httpPort: gateway.port,
    mtlsPort: gateway.mtlsPort,
    authority: clientAuthority,
    verifierKey,
  };
}

/** Authenticates callers from outside, and forgets at once what was revoked in this process. */
function edgeAuthentication(
  { platform, settings }: EdgeOptions,
  budget: Budget,
  workload: string,
  edge: "gateway" | undefined,
): Authentication {
  const { network, clock } = platform;
  const { credentialRecheckMs: recheckMs, credentialCacheMs: believeMs, streamAgeMs } = settings;
  const created = createDoorAuthentication({
    workload,
    ...(edge && { edge }),
    network,
    clock,
    budget,
    recheckMs,
    streamAgeMs,
    ...(believeMs !== undefined && { believeMs }),
  });
  platform.accessEnds.listen(created.forget);
  return created;
}

/** The service's own surfaces behind a door, or their representatives; and pages of the edge itself, which need none. */
function surfacesOf(
  { name, surfaces = [], pages = [] }: ServiceDescriptor,
  services: EdgeServices,
  origin: () => string,
  doorOf: (name: string, composed: ComposedService) => Required<Pick<MountedSurface, "door" | "unadmitted">>,
): readonly MountedSurface[] {
  if (pages.length > 0) return pages.map((surface) => ({ surface }));
  if ("elsewhere" in services)
    return surfaces.map((surface) => ({ surface: services.elsewhere(name, surface) }));
  const composed = services.composed.get(name);
  if (composed === undefined || surfaces.length === 0) return [];
  const atDoor = doorOf(name, composed);
  return surfaces.map((surface) => ({ surface, origin, ...atDoor }));
}

/** Identity knows which origins applications have registered. */
function registeredOrigins(own: Transport): RegisteredOrigins {
  const identity = createClient(BrowserOriginService, own);
  return {
    isRegistered: async (origin) =>
      (await identity.checkOrigin({ origin }, { timeoutMs: callMs })).registered,
  };
}

/** Of the listener for clients with certificates: the gateway's own, else one that identity signs. */
async function mtlsCertificate(
  { platform, settings }: EdgeOptions,
  files: RenewedCertificate | undefined,
): Promise<RenewedCertificate | undefined> {
  const { port, origin } = settings.clientCertificates;
  if (port === undefined) return undefined;
  if (files !== undefined) return files;
  const { network, clock, closers, log } = platform;
  const hosts = [...settings.doorHosts, ...(origin === undefined ? [] : [new URL(origin).hostname])];
  const sign = () =>
    doorCertificate(network.onOwn(http), { ...settings, doorFiles: undefined, doorHosts: hosts });
  return openMtlsCertificate({
    async sign() {
      const { certificate, privateKey } = await sign();
      return { certificate, privateKey };
    },
    clock,
    closers,
    log,
  });
}

/** From files if given, else signed by identity for a key that is made here and stays here. */
async function doorCertificate(own: Transport, settings: EdgeSettings): Promise<ServerTls> {
  const { doorFiles, doorHosts, host } = settings;
  const identity = createClient(EdgeCertificateService, own);
  if (doorFiles) {
    const { authority } = await identity.getAuthority({}, { timeoutMs: callMs });
    return {
      certificate: await readFile(doorFiles.certificate, "utf8"),
      privateKey: await readFile(doorFiles.privateKey, "utf8"),
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
    { certificateRequest: request.toString("pem"), hosts: doorHosts.length > 0 ? [...doorHosts] : [host] },
    { timeoutMs: callMs },
  );
  const privateKey = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate, privateKey, clientAuthority: authority };
}
