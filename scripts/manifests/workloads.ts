/** What runs in the cluster, from the services' descriptors: each function is pure, a descriptor in, Kubernetes objects out. */

import { holdsMasterKey } from "../../host/src/mesh/config.ts";
import { isPublic } from "../../packages/rpc/src/caller/callers.ts";
import type { Need, ServiceDescriptor } from "../../packages/service/src/index.ts";
import { hasBudgets, type Manifest, surfacePort } from "./derived.ts";

const grpcPort = 9443;
const healthPort = 8081;
/** Each lies in a file that must outlive the pod: leaves that wait, the published checkpoint, keys and the journal. */
const keptInFiles: readonly Need[] = ["access_log", "log_folders", "key_files"];
const image = "wellapi";

/** Everything of one service. kustomize adds what every pod is (patches/pod.yaml). */
export function workloadOf(service: ServiceDescriptor): readonly Manifest[] {
  const { replicas } = service;
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: named(service),
      automountServiceAccountToken: false,
    },
    ...networkServices(service),
    keepsFiles(service) ? statefulSet(service) : deployment(service),
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: named(service),
      spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow", selector: selectorOf(service) },
    },
    ...(replicas === "many" ? [autoscaler(service)] : []),
  ];
}

function keepsFiles({ needs }: ServiceDescriptor): boolean {
  return needs.some((need) => keptInFiles.includes(need));
}

/** Whether callers from outside hold streams open at it: these cost memory, and end late. */
function hasOpenStreams({ contracts, compose }: ServiceDescriptor): boolean {
  const streams = contracts.filter(isPublic).flatMap(({ methods }) => methods);
  return compose === undefined || streams.some(({ methodKind }) => methodKind !== "unary");
}

function named({ name }: ServiceDescriptor): Manifest {
  return { name, labels: { app: name } };
}

/** The label says that an autoscaler decides the replicas: an overlay without one has to say how many. */
function scaledBy({ name, replicas }: ServiceDescriptor): Manifest {
  return { name, labels: { app: name, ...(replicas === "many" && { "wellapi.dev/scaled": "true" }) } };
}

function selectorOf({ name }: ServiceDescriptor): Manifest {
  return { matchLabels: { app: name } };
}

/**
 * An address that the callers' sidecars resolve to replicas, and a headless one: a StatefulSet needs it, and callers
 * without a sidecar balance over it. To the pods of a headless service Istio passes calls through as they come, without
 * balance and without putting a failing replica aside. To the mesh the gRPC door is bytes: its TLS is between the provider and
 * our own server.
 */
function networkServices(service: ServiceDescriptor): readonly Manifest[] {
  const { name, compose, surfaces = [] } = service;
  const port = (name: string, port: number, targetPort: string, appProtocol: string) => ({
    name,
    port,
    targetPort,
    protocol: "TCP",
    appProtocol,
  });
  const ports = compose
    ? [port("grpc", grpcPort, "grpc", "grpc")]
    : [
        port("tls-door", 7443, "door", "tls"),
        port("tls-mtls", 7444, "mtls", "tls"),
        port("http", 7080, "http", "http"),
      ];
  // Requests come by the address alone: nobody balances over them without a sidecar.
  const forSurfaces = surfaces.length > 0 ? [port("http-surfaces", surfacePort, "surfaces", "http")] : [];
  const object = (metadata: Manifest, more: Manifest): Manifest => ({
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: { app: name }, ...more },
  });
  const headless = { name: `${name}-pods`, labels: { app: name } };
  return [
    object(named(service), { ports: [...ports, ...forSurfaces] }),
    ...(compose ? [object(headless, { clusterIP: "None", ports })] : []),
  ];
}

/** Nothing outlives the pod: a new replica is there before an old one goes. */
function deployment(service: ServiceDescriptor): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: scaledBy(service),
    spec: {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: selectorOf(service),
      template: template(service),
    },
  };
}

/** A replica that is scaled away keeps its claim, until it comes back and sends the leaves that wait there. */
function statefulSet(service: ServiceDescriptor): Manifest {
  const { name, replicas, needs, sizing } = service;
  const claim = (name: string, storage: string) => ({
    metadata: { name },
    spec: { accessModes: ["ReadWriteOncePod"], resources: { requests: { storage } } },
  });
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: scaledBy(service),
    spec: {
      serviceName: `${name}-pods`,
      ...(replicas === "one" ? { replicas: 1 } : { podManagementPolicy: "Parallel" }),
      selector: selectorOf(service),
      template: template(service),
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      volumeClaimTemplates: [
        claim("data", sizing?.storage ?? "1Gi"),
        // A volume of its own: copies of keys are restored, the journal never is (docs/operations.md, Restore).
        ...(needs.includes("key_files") ? [claim("journal", "1Gi")] : []),
      ],
    },
  };
}

/** What a part of the platform adds to the pod. */
interface Addition {
  readonly env?: readonly Manifest[];
  readonly mounts: readonly Manifest[];
  readonly volumes: readonly Manifest[];
  readonly initContainers?: readonly Manifest[];
}

function template(service: ServiceDescriptor): Manifest {
  const { name, compose, sizing = {} } = service;
  const { cpu = "250m", memory = "256Mi", memoryLimit = "1Gi" } = sizing;
  const port = (name: string, containerPort: number) => ({ name, containerPort, protocol: "TCP" });
  const serving = compose
    ? [port("grpc", grpcPort)]
    : [port("door", 7443), port("mtls", 7444), port("http", 7080)];
  const surfaces = (service.surfaces ?? []).length > 0 ? [port("surfaces", surfacePort)] : [];
  const additions = additionsOf(service);
  const all = (key: keyof Addition) => additions.flatMap((addition) => addition[key] ?? []);
  const given = (key: string, items: readonly Manifest[]) => (items.length > 0 ? { [key]: items } : {});
  return {
    metadata: { labels: { app: name } },
    spec: {
      serviceAccountName: name,
      terminationGracePeriodSeconds: hasOpenStreams(service) ? 90 : 60,
      ...given("initContainers", all("initContainers")),
      containers: [
        {
          name: "service",
          image,
          args: ["serve", name],
          ports: [...serving, ...surfaces, port("health", healthPort)],
          ...given("env", all("env")),
          resources: { requests: { cpu, memory }, limits: { memory: memoryLimit } },
          ...given("volumeMounts", all("mounts")),
        },
      ],
      ...given("volumes", all("volumes")),
    },
  };
}

function additionsOf(service: ServiceDescriptor): readonly Addition[] {
  const { name, store, needs } = service;
  return [
    ...(holdsMasterKey(service) ? [masterKey] : []),
    ...(store ? [mongodb(name)] : []),
    ...(needs.includes("events") ? [nats(name)] : []),
    ...(hasBudgets(service) ? [valkey] : []),
    ...(needs.includes("key_files") ? [journal] : []),
    ...(keepsFiles(service) ? [] : [passingData]),
  ];
}

function secret(name: string, secretName: string): Manifest {
  return { name, secret: { secretName, defaultMode: 0o440 } };
}

/**
 * A service takes the master key only from a file that nobody else can read, and a mounted Secret belongs to root. The
 * copy lies in memory. Without the Secret the pod does not start, so that no other key is made.
 */
const masterKey: Addition = {
  env: [{ name: "WELLAPI_MASTER_KEY_FILE", value: "/var/run/wellapi/keys/master.key" }],
  mounts: [{ name: "keys", mountPath: "/var/run/wellapi/keys", readOnly: true }],
  volumes: [
    secret("master-key-secret", "wellapi-master-key"),
    { name: "keys", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
  ],
  initContainers: [
    {
      name: "master-key",
      image,
      command: [
        "install",
        "-m",
        "0600",
        "/var/run/wellapi/master-key-secret/master.key",
        "/var/run/wellapi/keys/master.key",
      ],
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
      },
      resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
      volumeMounts: [
        { name: "master-key-secret", mountPath: "/var/run/wellapi/master-key-secret", readOnly: true },
        { name: "keys", mountPath: "/var/run/wellapi/keys" },
      ],
    },
  ],
};

/**
 * The Secret holds `uri`, of a user that has this service's database only, and `ca.crt`. From a file: what stands in the
 * environment is seen by whatever lists processes.
 */
function mongodb(service: string): Addition {
  return {
    env: [{ name: "WELLAPI_MONGODB_URI_FILE", value: "/var/run/wellapi/mongodb/uri" }],
    mounts: [{ name: "mongodb", mountPath: "/var/run/wellapi/mongodb", readOnly: true }],
    volumes: [secret("mongodb", `wellapi-mongodb-${service}`)],
  };
}

/**
 * The Secret holds `tls.crt`, `tls.key` and `ca.crt`. NATS takes the certificate's name as the user, so each service has its own:
 * with that of another it could publish the other's events.
 */
function nats(service: string): Addition {
  return {
    env: [
      { name: "WELLAPI_NATS_CA", value: "/var/run/wellapi/nats/ca.crt" },
      { name: "WELLAPI_NATS_CERT", value: "/var/run/wellapi/nats/tls.crt" },
      { name: "WELLAPI_NATS_KEY", value: "/var/run/wellapi/nats/tls.key" },
    ],
    mounts: [{ name: "nats", mountPath: "/var/run/wellapi/nats", readOnly: true }],
    volumes: [secret("nats", `wellapi-nats-${service}`)],
  };
}

/** The Secret holds `url`, with the password in it, and `ca.crt`. One for all: they count the same callers together. */
const valkey: Addition = {
  env: [
    { name: "WELLAPI_VALKEY_URL_FILE", value: "/var/run/wellapi/valkey/url" },
    { name: "WELLAPI_VALKEY_CA", value: "/var/run/wellapi/valkey/ca.crt" },
  ],
  mounts: [{ name: "valkey", mountPath: "/var/run/wellapi/valkey", readOnly: true }],
  volumes: [secret("valkey", "wellapi-valkey")],
};

const journal: Addition = {
  env: [{ name: "WELLAPI_JOURNAL_DIR", value: "/var/lib/wellapi-journal/journal" }],
  mounts: [{ name: "journal", mountPath: "/var/lib/wellapi-journal" }],
  volumes: [],
};

/** For the services that keep nothing: a folder that goes with the pod. */
const passingData: Addition = { mounts: [], volumes: [{ name: "data", emptyDir: { sizeLimit: "64Mi" } }] };

function autoscaler(service: ServiceDescriptor): Manifest {
  const { name, sizing } = service;
  const kind = keepsFiles(service) ? "StatefulSet" : "Deployment";
  const streams = hasOpenStreams(service);
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    // The label says that the replicas are scaled by open streams, too (patches/open-streams.yaml).
    metadata: { name, labels: { app: name, ...(streams && { "wellapi.dev/open-streams": "true" }) } },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind, name },
      minReplicas: sizing?.replicas ?? 2,
      maxReplicas: streams ? 12 : 6,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
        },
      ],
    },
  };
}
