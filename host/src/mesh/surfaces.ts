import { RequestIntakeService } from "@wellapi/gen/wellapi/internal/audit/v1/request_intake_service_pb";
import { createRemoteSurface, type HttpServer, openHttpServer, type Surface } from "@wellapi/http";
import {
  certificateIdentity,
  createStreamLimit,
  createUnadmittedRequests,
  createUnreadAnswers,
  sidecarIdentity,
  type WorkloadCertificates,
} from "@wellapi/rpc";
import type { ComposedService, Registry, ServiceDescriptor } from "@wellapi/service";
import { openBudget } from "../budgets.ts";
import { createDoorAuthentication, listening, openEndedRequests } from "../doors.ts";
import { createSurfaceDoor } from "../surface-door.ts";
import type { ServiceConfig } from "./config.ts";
import type { MeshPlatform } from "./platform.ts";

const edge = "gateway";

/**
 * Serves the surfaces of a service in its own process, only to the gateway, which forwards requests. Undefined for a
 * service without surfaces. The caller closes it.
 */
export async function openSurfaces(options: {
  readonly descriptor: ServiceDescriptor;
  readonly composed: ComposedService;
  readonly registry: Registry;
  readonly config: ServiceConfig;
  readonly platform: MeshPlatform;
}): Promise<HttpServer | undefined> {
  const { descriptor, composed, registry, config, platform } = options;
  const { name, surfaces = [], needs } = descriptor;
  const { network, clock, log, closers, certificates, accessEnds } = platform;
  if (config.surfaces === undefined) return undefined;
  const { port, credentialRecheckMs, credentialCacheMs, streamAgeMs, budgets } = config.surfaces;
  const budget = await openBudget(budgets, { installation: config.trustDomain, closers, log });
  const authentication = createDoorAuthentication({
    workload: name,
    edge,
    network,
    clock,
    budget,
    recheckMs: credentialRecheckMs,
    streamAgeMs,
    believeMs: credentialCacheMs,
  });
  closers.push("ends of access", accessEnds.listen(authentication.forget));
  // The surface of the service that keeps the requests is of public files.
  const keepsOwn = descriptor.contracts.includes(RequestIntakeService);
  const requests = keepsOwn ? undefined : openEndedRequests({ workload: name, network, clock, closers, log });
  const door = createSurfaceDoor({
    registry,
    name,
    routes: composed.routes,
    upstream: network.unauthenticated(name),
    authentication,
    ...(needs.includes("enforcement") && { answers: (await platform.enforcement(name)).answers }),
    streamLimit: createStreamLimit({
      perApplication: config.surfaces.streamsPerApplication,
      perPerson: config.surfaces.streamsPerPerson,
    }),
    unread: createUnreadAnswers({ log }),
    budget,
    requests,
    log,
  });
  const unadmitted = requests && createUnadmittedRequests({ authentication, requests });
  const tls = () => {
    const { certificate, privateKey, authority } = certificates!.current();
    return { certificate, privateKey, clientAuthority: authority };
  };
  const server = await listening("WELLAPI_SURFACE_PORT", port, () =>
    openHttpServer({
      host: config.host,
      port,
      portSetting: "WELLAPI_SURFACE_PORT",
      surfaces: surfaces.map((surface) => ({
        surface,
        door,
        origin: platform.installation.origin,
        unadmitted,
      })),
      corsOrigins: [], // the gateway answers preflight requests
      ...(certificates && { tls: tls() }),
      peer: {
        workload: edge,
        identity: certificates ? certificateIdentity(config) : sidecarIdentity(config),
      },
      log,
    }),
  );
  if (certificates)
    closers.push(
      "renewal of the surfaces",
      certificates.onChange(() => server.reload(tls())),
    );
  return server;
}

/** For the gateway's process: represents the surfaces that other processes serve. */
export function createRemoteSurfaces(
  config: ServiceConfig,
  certificates: WorkloadCertificates | undefined,
): (service: string, surface: Surface) => Surface {
  return (service, surface) =>
    createRemoteSurface({
      surface,
      addresses: config.surfacePeers.get(service)!,
      ...(certificates && { tls: { certificates, names: config, workload: service } }),
    });
}
