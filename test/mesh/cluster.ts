/** What a cluster's API would hold once the manifests run: the objects that istiod reads beside Istio's own. */
import { Buffer } from "node:buffer";
import { type Manifest, namespace } from "../../scripts/manifests/derived.ts";
import { type Metadata, ofKind, selects, type Workload } from "../../scripts/manifests/kinds.ts";
import { clusterIpOf, type MeshPod, meshPods, stranger } from "./addresses.ts";
import type { Pair } from "./authority.ts";

interface Service {
  readonly metadata: Metadata;
  readonly spec: {
    readonly clusterIP?: string;
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly ServicePort[];
  };
}

interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string | number;
  readonly protocol: string;
  readonly appProtocol: string;
}

type Ports = readonly { readonly name: string; readonly containerPort: number }[];

/** The template of the pod's Deployment or StatefulSet; of the stranger, one that no manifest has. */
export function templateOf(manifests: readonly Manifest[], pod: MeshPod): Workload["spec"]["template"] {
  if (pod === stranger) return strangerTemplate;
  const workload = ofKind<Workload>(manifests, "Deployment", "StatefulSet").find(
    ({ metadata }) => metadata.name === pod.name && metadata.namespace === pod.namespace,
  );
  if (!workload) throw new Error(`no workload named ${pod.name} is rendered`);
  return workload.spec.template;
}

/** Labels as the injector leaves them: the last is how istiod knows of a sidecar. */
export function labelsOf(manifests: readonly Manifest[], pod: MeshPod): Readonly<Record<string, string>> {
  return { ...templateOf(manifests, pod).metadata.labels, "security.istio.io/tlsMode": "istio" };
}

export function clusterObjects(manifests: readonly Manifest[], edgeTls: Pair): readonly Manifest[] {
  const services = [...ofKind<Service>(manifests, "Service"), strangerService];
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } },
    ...ofKind<Manifest>(manifests, "Namespace"),
    ...services.map((service) => withAddress(service)),
    ...meshPods.map((pod) => podObject(manifests, pod)),
    ...services.flatMap((service) => slicesOf(manifests, service)),
    secret("edge-tls", "wellapi-edge", edgeTls),
  ];
}

function withAddress(service: Service): Manifest {
  const clusterIP = service.spec.clusterIP ?? clusterIpOf(service.metadata.name);
  return {
    ...service,
    apiVersion: "v1",
    kind: "Service",
    spec: { ...service.spec, clusterIP, clusterIPs: [clusterIP] },
  };
}

function podObject(manifests: readonly Manifest[], pod: MeshPod): Manifest {
  const { spec } = templateOf(manifests, pod);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName(pod), namespace: pod.namespace, labels: labelsOf(manifests, pod) },
    spec: { serviceAccountName: spec.serviceAccountName, containers: spec.containers },
    status: {
      phase: "Running",
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

export function podName(pod: MeshPod): string {
  return `${pod.name}-0`;
}

function slicesOf(manifests: readonly Manifest[], service: Service): readonly Manifest[] {
  const { name, namespace: inNamespace } = service.metadata;
  return meshPods
    .filter(
      (pod) =>
        pod.namespace === inNamespace &&
        selects({ matchLabels: service.spec.selector }, labelsOf(manifests, pod)),
    )
    .map((pod) => {
      const ports = templateOf(manifests, pod).spec.containers.flatMap(
        (container) => (container as { ports?: Ports }).ports ?? [],
      );
      return {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${name}-${pod.name}`,
          namespace: inNamespace,
          labels: { "kubernetes.io/service-name": name },
        },
        addressType: "IPv4",
        ports: service.spec.ports.map(({ name: port, targetPort, protocol, appProtocol }) => ({
          name: port,
          port: portOf(ports, targetPort),
          protocol,
          appProtocol,
        })),
        endpoints: [
          {
            addresses: [pod.ip],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: "Pod", name: podName(pod), namespace: pod.namespace },
          },
        ],
      };
    });
}

function portOf(ports: Ports, target: string | number): number {
  if (typeof target === "number") return target;
  const port = ports.find(({ name }) => name === target);
  if (!port) throw new Error(`no container has a port named ${target}`);
  return port.containerPort;
}

function secret(name: string, inNamespace: string, { certificate, privateKey }: Pair): Manifest {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: inNamespace },
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(certificate), "tls.key": base64(privateKey) },
  };
}

const strangerTemplate: Workload["spec"]["template"] = {
  metadata: { name: stranger.name, labels: { app: stranger.name } },
  spec: {
    serviceAccountName: stranger.name,
    containers: [
      {
        name: "service",
        image: "stranger",
        ports: [{ name: "grpc", containerPort: 9443, protocol: "TCP" }],
      } as Workload["spec"]["template"]["spec"]["containers"][number],
    ],
  },
};

const strangerService: Service = {
  metadata: { name: stranger.name, namespace },
  spec: {
    selector: { app: stranger.name },
    ports: [{ name: "grpc", port: 9443, targetPort: "grpc", protocol: "TCP", appProtocol: "grpc" }],
  },
};
