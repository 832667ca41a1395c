/** What the mesh's manifests take from the contracts. Each function is pure: table in, Kubernetes objects out. */
import { type ServiceName, serviceNames, services } from "../../host/src/services.ts";
import type { ServiceDescriptor } from "../../packages/service/src/index.ts";
import { calledBy, type Row } from "./callers-table.ts";

export type Manifest = Readonly<Record<string, unknown>>;

export const namespace = "wellapi";
export const edgeNamespace = "wellapi-edge";
const grpcPort = 9443;
/** Where the gateway passes requests for a service's HTTP surfaces on. */
export const surfacePort = 9080;
const metricsPort = 15020; // the sidecar's agent, merged with nothing of ours
/** Placeholder: each overlay says its own. */
const apiHost = "api.wellapi.example";
const tokenHeader = "x-wellapi-edge-token";
const domain = `${namespace}.svc.cluster.local`;
const inner = serviceNames.filter((name) => name !== "gateway");

/** Istio reads `cluster.local` in a principal as the mesh's own trust domain, whatever that is. */
export function principalOf(workload: string, inNamespace = namespace): string {
  return `cluster.local/ns/${inNamespace}/sa/${workload}`;
}

/** The HTTP surfaces of a service: their paths (`/log/` with all below it) and methods, as it declares them. */
export function surfacesOf(service: string) {
  return services.service(service).surfaces ?? [];
}

/**
 * One ALLOW policy a service: from these service accounts, POST, to exactly these paths; and from the gateway, on their
 * own port, to the paths of its surfaces.
 */
export function authorizationPolicies(rows: readonly Row[]): readonly Manifest[] {
  return inner.map((service) => {
    const own = rows.filter((row) => row.service === service);
    const rules = serviceNames
      .map((caller) => ({
        caller,
        paths: own.filter((row) => row.callers.includes(caller)).map((row) => row.path),
      }))
      .filter(({ paths }) => paths.length > 0)
      .map(({ caller, paths }) => ({
        from: [{ source: { principals: [principalOf(caller)] } }],
        to: [{ operation: { ports: [String(grpcPort)], methods: ["POST"], paths } }],
      }));
    return {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: service, namespace },
      spec: {
        selector: { matchLabels: { app: service } },
        action: "ALLOW",
        rules: [...rules, ...surfaceRules(service)],
      },
    };
  });
}

/** From the gateway, which passes requests on: the surfaces' own paths and methods. */
function surfaceRules(service: string): readonly Manifest[] {
  const operations = surfacesOf(service).map(({ methods, paths }) => ({
    operation: { ports: [String(surfacePort)], methods: [...methods], paths: paths.map(allBelow) },
  }));
  if (operations.length === 0) return [];
  return [{ from: [{ source: { principals: [principalOf("gateway")] } }], to: operations }];
}

/** As Istio's policies write it. */
function allBelow(path: string): string {
  return path.endsWith("/") ? `${path}*` : path;
}

/**
 * What a service reaches outside the mesh: MongoDB, where it has a store, NATS, where it has events, and Valkey, where callers
 * from outside have budgets: at the edge, and at a service with surfaces.
 */
export type Outward = "store" | "events" | "budgets";

export function isOutward(text: string | undefined): text is Outward {
  return text === "store" || text === "events" || text === "budgets";
}

/** The services that reach it, by their descriptors. */
export function usersOf(outward: Outward): readonly ServiceName[] {
  return serviceNames.filter((name) => {
    const service = services.service(name);
    if (outward === "budgets") return hasBudgets(service);
    return outward === "store" ? service.store !== undefined : service.needs.includes("events");
  });
}

/** Whether callers from outside reach its process with their own credentials. */
export function hasBudgets({ compose, surfaces }: ServiceDescriptor): boolean {
  return compose === undefined || (surfaces?.length ?? 0) > 0;
}

/** Hosts outside the mesh that a service may reach: those of the ServiceEntry objects for what it needs. */
export type Outside = Readonly<Partial<Record<ServiceName, readonly string[]>>>;

/**
 * What each sidecar listens for and knows. The services listen on loopback, where only their sidecar reaches them;
 * without this the sidecar would deliver to the pod's address. What is not listed does not resolve to a route.
 */
export function sidecars(rows: readonly Row[], outside: Outside): readonly Manifest[] {
  return serviceNames.map((service) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { name: service, namespace },
    spec: {
      workloadSelector: { labels: { app: service } },
      ...(service !== "gateway" && {
        ingress: [
          {
            port: { number: grpcPort, protocol: "GRPC", name: "grpc" },
            defaultEndpoint: `127.0.0.1:${grpcPort}`,
          },
          ...(surfacesOf(service).length > 0
            ? [
                {
                  port: { number: surfacePort, protocol: "HTTP", name: "http-surfaces" },
                  defaultEndpoint: `127.0.0.1:${surfacePort}`,
                },
              ]
            : []),
        ],
      }),
      egress: [
        {
          hosts: [
            ...calledBy(rows, service).map((called) => `./${called}.${domain}`),
            ...(outside[service] ?? []).map((host) => `./${host}`),
            // Where the mesh's own telemetry goes.
            "observability/*",
          ],
        },
      ],
      outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
    },
  }));
}

/**
 * Istio retries `unavailable` and `cancelled` twice unless told otherwise, and a write that was carried out but not
 * answered would be sent again. Only what never reached a service is sent again; what may be repeated beyond that,
 * our own client knows by the contract. No timeout, Istio's default: callers bring deadlines, streams stay open for days.
 */
export function routes(): readonly Manifest[] {
  return inner.map((service) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: service, namespace },
    spec: {
      hosts: [`${service}.${domain}`],
      http: [
        ...(surfacesOf(service).length > 0 ? [routeTo(service, surfacePort, [{ port: surfacePort }])] : []),
        routeTo(service, grpcPort),
      ],
    },
  }));
}

function routeTo(service: string, number: number, match?: readonly Manifest[]): Manifest {
  return {
    ...(match && { match }),
    retries: { attempts: 2, retryOn: "connect-failure,refused-stream" },
    route: [{ destination: { host: `${service}.${domain}`, port: { number } } }],
  };
}

/** The same table for the network: who may open a connection to whom and to the servers, and nothing else. */
export function networkPolicies(rows: readonly Row[]): readonly Manifest[] {
  return [
    ...betweenServices(rows),
    toServer("mongodb", 27017, "store"),
    toServer("nats", 4222, "events"),
    toServer("valkey", 6379, "budgets"),
  ];
}

function toServer(name: string, port: number, outward: Outward): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: `to-${name}`, namespace },
    spec: {
      podSelector: { matchExpressions: [{ key: "app", operator: "In", values: usersOf(outward) }] },
      policyTypes: ["Egress"],
      egress: [{ to: [{ namespaceSelector: named("wellapi-data") }], ports: [tcp(port)] }],
    },
  };
}

function betweenServices(rows: readonly Row[]): readonly Manifest[] {
  return serviceNames.map((service) => {
    const callers = serviceNames.filter((caller) => calledBy(rows, caller).includes(service));
    const called = calledBy(rows, service);
    const surfacing = service === "gateway" ? inner.filter((name) => surfacesOf(name).length > 0) : [];
    return {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: service, namespace },
      spec: {
        podSelector: { matchLabels: { app: service } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          ...(callers.length > 0 ? [{ from: callers.map(podsOf), ports: [tcp(grpcPort)] }] : []),
          ...(surfacesOf(service).length > 0
            ? [{ from: [podsOf("gateway")], ports: [tcp(surfacePort)] }]
            : []),
          { from: [{ namespaceSelector: named("observability") }], ports: [tcp(metricsPort)] },
        ],
        ...(called.length > 0 && {
          egress: [
            { to: called.map(podsOf), ports: [tcp(grpcPort)] },
            ...(surfacing.length > 0 ? [{ to: surfacing.map(podsOf), ports: [tcp(surfacePort)] }] : []),
          ],
        }),
      },
    };
  });
}

/**
 * The HTTP gateway's routes at the edge: the public services, the gateway's own pages, and the services' surfaces. A JSON Web Token
 * is copied into a header of our own, which the gateway's sidecar verifies (edge-authentication.yaml): an API key
 * comes in the same `authorization: Bearer`, and Istio would refuse it there as a malformed token. Whatever a
 * client sends in that header itself is dropped.
 */
export function edgeRoutes(publicTypes: readonly string[]): Manifest {
  const uris = [
    ...publicTypes.map((type) => ({ prefix: `/${type}/` })),
    ...[...(services.service("gateway").pages ?? []), ...inner.flatMap((service) => surfacesOf(service))]
      .flatMap(({ paths }) => paths)
      .sort()
      .map((path) => (path.endsWith("/") ? { prefix: path } : { exact: path })),
  ];
  const http = {
    retries: { attempts: 2, retryOn: "connect-failure,refused-stream" },
    route: [{ destination: { host: `gateway.${domain}`, port: { number: 7080 } } }],
  };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "edge-http", namespace: edgeNamespace },
    spec: {
      hosts: [apiHost],
      gateways: ["edge"],
      http: [
        {
          name: "with-token",
          match: uris.map((uri) => ({ uri, headers: { authorization: { regex: "(?i)bearer eyJ.*" } } })),
          headers: { request: { set: { [tokenHeader]: "%REQ(authorization)%" } } },
          ...http,
        },
        {
          name: "without-token",
          match: uris.map((uri) => ({ uri })),
          headers: { request: { remove: [tokenHeader] } },
          ...http,
        },
      ],
    },
  };
}

function podsOf(service: string): Manifest {
  return { podSelector: { matchLabels: { app: service } } };
}

function named(name: string): Manifest {
  return { matchLabels: { "kubernetes.io/metadata.name": name } };
}

function tcp(port: number): Manifest {
  return { protocol: "TCP", port };
}
