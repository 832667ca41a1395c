/** Where everything is in the laboratory's network: one bridge, one network namespace a pod. */

import { serviceNames } from "../../host/src/services.ts";
import { edgeNamespace, namespace } from "../../scripts/manifests/derived.ts";

/** A pod with a proxy of Istio's. */
export interface MeshPod {
  /** Its service account, its label `app` and its network namespace are named so. */
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
}

export const hubIp = "10.98.0.1";
export const istiodAddress = `${hubIp}:15012`;
/** The load balancer in front of the edge, port 443: where everybody outside calls. */
export const edgeIp = "10.98.2.1";
export const apiHost = "api.wellapi.example";
export const grpcHost = "grpc.wellapi.example";
export const mtlsHost = "mtls.wellapi.example";

/** In the mesh, with a certificate of its own, and in no contract. */
export const stranger: MeshPod = { name: "stranger", namespace, ip: "10.98.0.21" };
export const edge: MeshPod = { name: "edge", namespace: edgeNamespace, ip: "10.98.0.20" };

/** From an address on behind which nobody else has one, however many services there are. */
export const servicePods: readonly MeshPod[] = serviceNames.map((name, index) => ({
  name,
  namespace,
  ip: `10.98.0.${101 + index}`,
}));

export const meshPods: readonly MeshPod[] = [...servicePods, stranger, edge];

/** Outside the mesh, without a proxy. */
export const mongodb = { name: "mongodb", ip: "10.98.0.31", port: 27017 } as const;
export const nats = { name: "nats", ip: "10.98.0.32", port: 4222 } as const;
export const valkey = { name: "valkey", ip: "10.98.0.33", port: 6379 } as const;
const dataDomain = "wellapi-data.svc.cluster.local";
export const mongodbHost = `wellapi-mongodb-0.wellapi-mongodb-svc.${dataDomain}`;
const mongodbHosts = [0, 1, 2].map((n) => `wellapi-mongodb-${n}.wellapi-mongodb-svc.${dataDomain}`);
export const natsHost = `wellapi-nats.${dataDomain}`;
export const valkeyHost = `wellapi-valkey.${dataDomain}`;

/** The address that Kubernetes would give the Service. */
export function clusterIpOf(name: string): string {
  return `10.98.1.${1 + meshPods.findIndex((pod) => pod.name === name)}`;
}

export function podOf(name: string): MeshPod {
  const pod = meshPods.find((one) => one.name === name);
  if (!pod) throw new Error(`no pod of the laboratory is named ${name}`);
  return pod;
}

export function hostOf(service: string): string {
  return `${service}.${podOf(service).namespace}.svc.cluster.local`;
}

/** What a cluster's DNS would say, as /etc/hosts. */
export function hostsFile(): string {
  const names = [...servicePods, stranger].map(({ name }) => [clusterIpOf(name), hostOf(name)]);
  return [
    ["127.0.0.1", "localhost"],
    ...names,
    [mongodb.ip, ...mongodbHosts],
    [nats.ip, natsHost],
    [valkey.ip, valkeyHost],
    [edgeIp, apiHost, grpcHost, mtlsHost],
  ]
    .map((line) => `${line.join(" ")}\n`)
    .join("");
}
