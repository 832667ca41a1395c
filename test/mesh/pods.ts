/** The injector's, the CNI plugin's and the kubelet's work: a proxy in each pod, its traffic captured, its service. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { type Container, ofKind } from "../../scripts/manifests/kinds.ts";
import { inFolder, settings } from "./adaptations.ts";
import { edge, type MeshPod } from "./addresses.ts";
import { labelsOf, podName, templateOf } from "./cluster.ts";
import type { ClientCertificate } from "./connection.ts";
import { type ControlPlane, trustDomain } from "./control-plane.ts";
import { openPodNetwork } from "./network.ts";
import { until } from "./patience.ts";
import { run, start } from "./programs.ts";
import { repository, seen, type World } from "./world.ts";

/** The proxy's user, whose traffic is not captured again. */
const proxyUid = 1337;
const probe = "/app-health/service/readyz";

/** The pod's network and its proxy: a sidecar, or of the edge a gateway. Resolves once istiod has configured it. */
export async function startProxy(world: World, plane: ControlPlane, pod: MeshPod): Promise<void> {
  const { folder, installed, manifests } = world;
  openPodNetwork(pod);
  const home = proxyFolder(world, pod);
  for (const part of [
    "etc/istio/proxy",
    "certs",
    ...["tokens", "istio"].map((one) => `var/run/secrets/${one}`),
  ]) {
    mkdirSync(`${home}/${part}`, { recursive: true });
  }
  writeFileSync(`${home}/var/run/secrets/istio/root-cert.pem`, plane.root);
  writeFileSync(`${home}/var/run/secrets/tokens/istio-token`, await plane.tokenOf(pod));
  own(home, proxyUid);

  const template = templateOf(manifests, pod);
  const annotations = (template.metadata as { annotations?: Record<string, string> }).annotations ?? {};
  const proxyConfig = (parse(annotations["proxy.istio.io/config"] ?? "{}") ?? {}) as {
    proxyMetadata?: Record<string, string>;
  };
  const { readinessProbe } = template.spec.containers[0] as Container;
  start(`proxy of ${pod.name}`, {
    pod: pod.name,
    uid: proxyUid,
    command: seen(installed.pilotAgent),
    args: [
      ...["proxy", pod === edge ? "router" : "sidecar"],
      ...["--meshConfig", plane.meshConfig, "--domain", `${pod.namespace}.svc.cluster.local`],
      ...["--proxyLogLevel", "warning"],
    ],
    cwd: home,
    log: `${folder}/logs/${pod.name}.proxy.log`,
    env: {
      ...proxyConfig.proxyMetadata,
      HOME: home,
      PROXY_CONFIG: JSON.stringify(proxyConfig),
      INSTANCE_IP: pod.ip,
      POD_NAME: podName(pod),
      POD_NAMESPACE: pod.namespace,
      SERVICE_ACCOUNT: pod.name,
      TRUST_DOMAIN: trustDomain,
      CLOUD_PLATFORM: "none",
      ISTIO_META_CLUSTER_ID: "Kubernetes",
      ISTIO_META_INTERCEPTION_MODE: "REDIRECT",
      ISTIO_METAJSON_LABELS: JSON.stringify(labelsOf(manifests, pod)),
      // The kubelet's probes come to the agent, which asks the service: the injector rewrites them so.
      ISTIO_KUBE_APP_PROBERS: JSON.stringify(readinessProbe ? { [probe]: readinessProbe } : {}),
      // The workload's certificate as files, with which the laboratory calls in its name.
      OUTPUT_CERTS: `${home}/certs`,
    },
  });
  if (pod !== edge) {
    const capture = [
      "-p",
      "15001",
      "-z",
      "15006",
      "-u",
      String(proxyUid),
      "-m",
      "REDIRECT",
      "-i",
      "*",
      "-b",
      "*",
    ];
    run(
      "ip",
      "netns",
      "exec",
      pod.name,
      installed.pilotAgent,
      "istio-iptables",
      ...capture,
      "-d",
      "15090,15021,15020",
    );
  }
  await until(
    `the proxy of ${pod.name} is ready`,
    60_000,
    async () => (await fetch(`http://${pod.ip}:15021/healthz/ready`)).ok,
  );
}

/** What istiod gave to the pod's proxy: with it somebody who stole it could call. */
export function certificateOf(
  world: World,
  pod: MeshPod,
): { readonly as: ClientCertificate; readonly ca: string } {
  const read = (name: string) => readFileSync(`${proxyFolder(world, pod)}/certs/${name}.pem`, "utf8");
  return { as: { cert: read("cert-chain"), key: read("key") }, ca: read("root-cert") };
}

/** The service's own process, as its container would run it. `secrets`: files by their paths in the pod. */
export function startService(
  world: World,
  pod: MeshPod,
  secrets: ReadonlyMap<string, string | Uint8Array>,
): void {
  const { folder, manifests } = world;
  const { spec } = templateOf(manifests, pod);
  const container = spec.containers.find(({ name }) => name === "service")!;
  const uid = spec.securityContext!.runAsUser!;
  const home = `${folder}/pods/${pod.name}/service`;
  mkdirSync(`${home}/data`, { recursive: true });
  for (const [path, text] of secrets) {
    const file = inFolder(path, home);
    mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    writeFileSync(file, typeof text === "string" ? inFolder(text, home) : text, { mode: 0o600 });
  }
  own(home, uid);
  start(pod.name, {
    pod: pod.name,
    uid,
    command: seen(process.execPath),
    args: [seen(`${repository}cli/src/main.ts`), ...container.args!],
    cwd: home,
    log: serviceLog(world, pod),
    env: Object.fromEntries(
      Object.entries({ ...environmentOf(world, container), ...settings })
        .filter((entry): entry is [string, string] => entry[1] !== undefined)
        .map(([name, value]) => [name, inFolder(value, home)]),
    ),
  });
}

/** Resolves once the service says that it serves, asked as the kubelet asks. */
export function untilServing(pod: MeshPod): Promise<void> {
  return until(`${pod.name} serves`, 90_000, async () => (await fetch(`http://${pod.ip}:15020${probe}`)).ok);
}

export function serviceLog({ folder }: World, pod: MeshPod): string {
  return `${folder}/logs/${pod.name}.log`;
}

/** Of the ConfigMap and of the container's own list. */
function environmentOf({ manifests }: World, container: Container): Record<string, string | undefined> {
  const maps = (container.envFrom ?? []).map(({ configMapRef }) =>
    ofKind<{ metadata: { name: string }; data: Record<string, string> }>(manifests, "ConfigMap").find(
      ({ metadata }) => metadata.name === configMapRef?.name,
    ),
  );
  const own = (container.env ?? []).map(({ name, value }) => [name, value ?? "wellapi"]);
  return { ...Object.assign({}, ...maps.map((map) => map?.data)), ...Object.fromEntries(own) };
}

function proxyFolder({ folder }: World, pod: MeshPod): string {
  return `${folder}/pods/${pod.name}/proxy`;
}

function own(path: string, uid: number): void {
  chownSync(path, uid, uid);
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" })) {
    if (existsSync(`${path}/${entry}`)) chownSync(`${path}/${entry}`, uid, uid);
  }
}
