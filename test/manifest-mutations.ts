/** Mistakes planted in the rendered manifests, each with the only problem that it may turn on. */
import { expect } from "vitest";
import type { Manifest } from "../scripts/manifests/derived.ts";
import type { Container, NetworkPolicy, Policy, Workload } from "../scripts/manifests/kinds.ts";

export const mutations: readonly {
  readonly name: string;
  readonly change: (manifests: Manifest[]) => void;
  readonly problem: RegExp;
}[] = [
  {
    name: "pathss beside methods",
    change: (m) =>
      rename(
        find<Policy>(m, "AuthorizationPolicy", "records").spec.rules?.[0]?.to?.[0]?.operation,
        "paths",
        "pathss",
      ),
    problem:
      /^AuthorizationPolicy wellapi\/records: \/spec\/rules\/0\/to\/0\/operation\/pathss: unknown field$/,
  },
  {
    name: "a value that is none of the enum's",
    change: (m) => set(find(m, "PeerAuthentication", "default"), "spec.mtls.mode", "STRIKT"),
    problem: /^PeerAuthentication wellapi-edge\/default: \/spec\/mtls\/mode: enum/,
  },
  {
    name: "a type that is another",
    change: (m) =>
      set(find(m, "Deployment", "gateway"), "spec.template.spec.automountServiceAccountToken", "no"),
    problem: /^Deployment wellapi\/gateway: \/spec\/template\/spec\/automountServiceAccountToken: type/,
  },
  {
    name: "a path left out of a policy",
    change: (m) =>
      find<Policy>(m, "AuthorizationPolicy", "consent").spec.rules?.forEach((rule) => {
        const { operation } = rule.to![0]!;
        set(
          operation,
          "paths",
          operation.paths!.filter((path) => !path.endsWith("ConsentDecisionService/Decide")).concat("/x"),
        );
      }),
    problem:
      /^records -> \/wellapi\.internal\.consent\.v1\.ConsentDecisionService\/Decide: refused by the policies, permitted by the contracts$/,
  },
  {
    name: "a policy left out",
    change: (m) => remove(m, "AuthorizationPolicy", "keys"),
    problem:
      /^(identity|notices|records|audit|consent) -> \/wellapi\.internal\.keys\.v1\.(Key|Journal)Service\/\w+: refused by the policies/,
  },
  {
    name: "a path that another may not call",
    change: (m) =>
      append(
        find<Policy>(m, "AuthorizationPolicy", "records").spec.rules?.find(({ from }) =>
          from?.[0]?.source.principals?.[0]?.endsWith("/gateway"),
        )?.to?.[0]?.operation.paths,
        "/wellapi.internal.records.v1.RecordsWriteService/AppendSeries",
      ),
    problem:
      /^gateway -> \/wellapi\.internal\.records\.v1\.RecordsWriteService\/AppendSeries: permitted by the policies, refused by the contracts$/,
  },
  {
    name: "a surface's path that is wider than the surface",
    change: (m) => set(surfaceRule(m, "audit"), "paths", ["/*"]),
    problem: /a path has a wildcard$|^gateway -> GET \/\S* of audit's surfaces: permitted by the policies/,
  },
  {
    name: "a surface's method that it does not have",
    change: (m) => append(surfaceRule(m, "audit").methods, "POST"),
    problem:
      /^gateway -> POST \/log\/x of audit's surfaces: permitted by the policies, not declared by the service$/,
  },
  {
    name: "a surface that its policy forgets",
    change: (m) => set(surfaceRule(m, "identity"), "paths", ["/.well-known/other"]),
    problem:
      /^gateway -> GET \/\.well-known\/jwks\.json of identity's surfaces: refused by the policies, declared by the service$/,
  },
  {
    name: "surfaces that another service may ask",
    change: (m) =>
      append(
        find<Policy>(m, "AuthorizationPolicy", "audit").spec.rules?.at(-1)?.from?.[0]?.source.principals,
        "cluster.local/ns/wellapi/sa/ingestion",
      ),
    problem: /^ingestion -> GET \/log\/x of audit's surfaces: permitted by the policies/,
  },
  {
    name: "no port for the surfaces",
    change: (m) => {
      const container = serviceOfWorkload(m, "StatefulSet", "audit") as { ports?: { name: string }[] };
      set(
        container,
        "ports",
        container.ports?.filter(({ name }) => name !== "surfaces"),
      );
    },
    problem: /^audit: port 9080 must be there in its pod and its Service, for its surfaces$/,
  },
  {
    name: "a network policy that leaves the surfaces out",
    change: (m) => {
      const { ingress } = find<NetworkPolicy>(m, "NetworkPolicy", "identity").spec;
      set(ingress?.find(({ ports }) => ports?.[0]?.port === 9080)?.ports?.[0], "port", 9081);
    },
    problem: /^network: gateway to the surfaces of identity is closed$/,
  },
  {
    name: "a policy that denies by default left out",
    change: (m) => remove(m, "AuthorizationPolicy", "deny-by-default"),
    problem: /^namespace wellapi(-edge)?: no AuthorizationPolicy denies by default$/,
  },
  {
    name: "a principal with a wildcard",
    change: (m) =>
      set(find<Policy>(m, "AuthorizationPolicy", "keys").spec.rules?.[0]?.from?.[0]?.source, "principals", [
        "cluster.local/ns/wellapi/sa/*",
      ]),
    problem:
      /a principal has a wildcard$|^\w+ -> \/wellapi\.internal\.keys\.v1\.(Key|Journal)Service\/\w+: permitted by the policies/,
  },
  {
    name: "STRICT turned to PERMISSIVE",
    change: (m) => set(find(m, "PeerAuthentication", "default"), "spec.mtls.mode", "PERMISSIVE"),
    problem: /must be STRICT on every port$|no PeerAuthentication makes it STRICT$/,
  },
  {
    name: "an exception for one port",
    change: (m) =>
      set(find(m, "PeerAuthentication", "default"), "spec.portLevelMtls", { "9443": { mode: "DISABLE" } }),
    problem: /must be STRICT on every port$|no PeerAuthentication makes it STRICT$/,
  },
  {
    name: "calls in plain text",
    change: (m) => set(find(m, "DestinationRule", "services"), "spec.trafficPolicy.tls.mode", "DISABLE"),
    problem: /^DestinationRule wellapi\/services: calls inside the mesh must be ISTIO_MUTUAL$/,
  },
  {
    name: "an edge with an older TLS",
    change: (m) =>
      set(
        find<{ spec: { servers: { tls: { mode: string } }[] } }>(m, "Gateway", "edge").spec.servers.find(
          ({ tls }) => tls.mode === "SIMPLE",
        )?.tls,
        "minProtocolVersion",
        "TLSV1_2",
      ),
    problem: /^Gateway: an edge must pass TLS on, or end TLS 1\.3$/,
  },
  {
    name: "a sidecar that lets out to anywhere",
    change: (m) => set(find(m, "Sidecar", "records"), "spec.outboundTrafficPolicy.mode", "ALLOW_ANY"),
    problem: /^Sidecar of records: must be there, and REGISTRY_ONLY$/,
  },
  {
    name: "a network policy left out",
    change: (m) => remove(m, "NetworkPolicy", "keys"),
    problem:
      /^network: (audit|consent|identity|notices|records) to keys is closed, and the contracts need it$/,
  },
  {
    name: "the network policy that denies left out",
    change: (m) => remove(m, "NetworkPolicy", "default-deny"),
    problem: /^namespace wellapi(-edge)?: no NetworkPolicy denies everything by default$/,
  },
  {
    name: "a network policy that lets everybody in",
    change: (m) => set(find<NetworkPolicy>(m, "NetworkPolicy", "audit").spec.ingress?.[0], "from", []),
    problem: /^NetworkPolicy wellapi\/audit: lets everybody in$|^network: \w+ to audit is closed/,
  },
  {
    name: "a network policy for one more caller",
    change: (m) => {
      append(find<NetworkPolicy>(m, "NetworkPolicy", "keys").spec.ingress?.[0]?.from, {
        podSelector: { matchLabels: { app: "ingestion" } },
      });
      append(find<NetworkPolicy>(m, "NetworkPolicy", "ingestion").spec.egress?.[0]?.to, {
        podSelector: { matchLabels: { app: "keys" } },
      });
    },
    problem: /^network: ingestion to keys is open, and no contract needs it$/,
  },
  {
    name: "a token mounted by the pod",
    change: (m) =>
      set(find(m, "StatefulSet", "records"), "spec.template.spec.automountServiceAccountToken", true),
    problem: /^StatefulSet wellapi\/records: mounts a token/,
  },
  {
    name: "a token mounted by the service account",
    change: (m) => set(find(m, "ServiceAccount", "records"), "automountServiceAccountToken", true),
    problem: /^StatefulSet wellapi\/records: its service account mounts a token/,
  },
  {
    name: "runAsNonRoot dropped",
    change: (m) =>
      set(find(m, "StatefulSet", "consent"), "spec.template.spec.securityContext.runAsNonRoot", undefined),
    problem: /^StatefulSet wellapi\/consent: may run as root/,
  },
  {
    name: "privilege escalation in an init container",
    change: (m) =>
      set(
        find<Workload>(m, "StatefulSet", "audit").spec.template.spec.initContainers?.[0],
        "securityContext.allowPrivilegeEscalation",
        true,
      ),
    problem: /^StatefulSet wellapi\/audit: master-key: allowPrivilegeEscalation must be false$/,
  },
  {
    name: "a capability added",
    change: (m) =>
      set(serviceOfWorkload(m, "Deployment", "gateway"), "securityContext.capabilities.add", ["NET_ADMIN"]),
    problem: /^Deployment wellapi\/gateway: service: adds capabilities$/,
  },
  {
    name: "a path of the node's",
    change: (m) =>
      append(find<Workload>(m, "StatefulSet", "keys").spec.template.spec.volumes, {
        name: "x",
        hostPath: { path: "/" },
      }),
    problem: /^StatefulSet wellapi\/keys: mounts a path of the node's$/,
  },
  {
    name: "no request of memory",
    change: (m) =>
      set(serviceOfWorkload(m, "StatefulSet", "records"), "resources.requests.memory", undefined),
    problem: /^StatefulSet wellapi\/records: service: resource requests are missing$/,
  },
  {
    name: "no disruption budget",
    change: (m) => remove(m, "PodDisruptionBudget", "records"),
    problem: /^StatefulSet wellapi\/records: no PodDisruptionBudget$/,
  },
  {
    name: "an image of no version",
    change: (m) =>
      set(serviceOfWorkload(m, "Deployment", "gateway"), "image", "registry.example/wellapi:latest"),
    problem:
      /^Deployment wellapi\/gateway: service: image registry\.example\/wellapi:latest names no version$/,
  },
  {
    name: "a secret in the environment",
    change: (m) =>
      append(serviceOfWorkload(m, "StatefulSet", "records").env, {
        name: "WELLAPI_MONGODB_URI",
        value: "mongodb://user:word@there",
      }),
    problem: /^StatefulSet wellapi\/records: service: WELLAPI_MONGODB_URI holds a secret/,
  },
  {
    name: "a Secret in the repository",
    change: (m) =>
      append(m, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "wellapi-mongodb", namespace: "wellapi" },
      }),
    problem: /^Secret wellapi\/wellapi-mongodb: stands in the repository$/,
  },
];

function serviceOfWorkload(manifests: readonly Manifest[], kind: string, name: string): Container {
  return find<Workload>(manifests, kind, name).spec.template.spec.containers[0]!;
}

/** What the gateway may ask of the service's surfaces. */
function surfaceRule(manifests: readonly Manifest[], service: string) {
  const rules = find<Policy>(manifests, "AuthorizationPolicy", service).spec.rules;
  return rules!.at(-1)!.to![0]!.operation as { ports: string[]; methods: string[]; paths: string[] };
}

export function find<T = Manifest>(manifests: readonly Manifest[], kind: string, name: string): T {
  const found = manifests.find(
    (one) => one.kind === kind && (one.metadata as { name: string }).name === name,
  );
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found as unknown as T;
}

/** Those of every namespace. */
function remove(manifests: Manifest[], kind: string, name: string): void {
  const kept = manifests.filter(
    (one) => one.kind !== kind || (one.metadata as { name: string }).name !== name,
  );
  expect(kept.length).toBeLessThan(manifests.length);
  manifests.splice(0, manifests.length, ...kept);
}

/** At a path such as `spec.tls.mode`; undefined deletes. */
export function set(target: unknown, path: string | readonly string[], value: unknown): void {
  const keys = typeof path === "string" ? path.split(".") : path;
  const parent = keys
    .slice(0, -1)
    .reduce<Record<string, unknown>>(
      (inner, key) => inner[key] as Record<string, unknown>,
      target as Record<string, unknown>,
    );
  if (value === undefined) delete parent[keys.at(-1)!];
  else parent[keys.at(-1)!] = value;
}

function append(target: unknown, value: unknown): void {
  (target as unknown[]).push(value);
}

function rename(target: unknown, from: string, to: string): void {
  set(target, to, (target as Record<string, unknown>)[from]);
  set(target, from, undefined);
}
