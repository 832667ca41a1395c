/** What the mesh must refuse: read from the rendered policies, and compared with the contracts' table pair by pair. */
import { type ServiceName, serviceNames } from "../../host/src/services.ts";
import { hasPath } from "../../packages/http/src/surface.ts";
import { calledBy, type Row } from "./callers-table.ts";
import { edgeNamespace, type Manifest, namespace, principalOf, surfacePort, surfacesOf } from "./derived.ts";
import { type Metadata, type NetworkPolicy, ofKind, type Policy, selects, type Workload } from "./kinds.ts";

const namespaces = [namespace, edgeNamespace];

export function meshProblems(manifests: readonly Manifest[], rows: readonly Row[]): readonly string[] {
  return [
    ...peerProblems(manifests),
    ...policyProblems(manifests),
    ...matrixProblems(ofKind<Policy>(manifests, "AuthorizationPolicy"), rows),
    ...surfaceProblems(ofKind<Policy>(manifests, "AuthorizationPolicy")),
    ...portProblems(manifests),
    ...networkProblems(manifests, rows),
    ...trafficProblems(manifests),
  ];
}

function peerProblems(manifests: readonly Manifest[]): readonly string[] {
  type Peer = {
    metadata: Metadata;
    spec: { selector?: object; mtls?: { mode?: string }; portLevelMtls?: object };
  };
  const peers = ofKind<Peer>(manifests, "PeerAuthentication");
  const strict = ({ spec }: Peer) => spec.mtls?.mode === "STRICT" && spec.portLevelMtls === undefined;
  return [
    ...peers
      .filter((peer) => !strict(peer))
      .map(
        ({ metadata }) =>
          `PeerAuthentication ${metadata.namespace}/${metadata.name}: must be STRICT on every port`,
      ),
    ...namespaces
      .filter(
        (name) =>
          !peers.some((peer) => peer.metadata.namespace === name && !peer.spec.selector && strict(peer)),
      )
      .map((name) => `namespace ${name}: no PeerAuthentication makes it STRICT`),
  ];
}

function policyProblems(manifests: readonly Manifest[]): readonly string[] {
  const policies = ofKind<Policy>(manifests, "AuthorizationPolicy");
  const missing = namespaces
    .filter(
      (name) =>
        !policies.some(({ metadata, spec }) => metadata.namespace === name && Object.keys(spec).length === 0),
    )
    .map((name) => `namespace ${name}: no AuthorizationPolicy denies by default`);
  const loose = policies.flatMap((policy) =>
    ruleProblems(policy).map(
      (problem) => `AuthorizationPolicy ${policy.metadata.namespace}/${policy.metadata.name}: ${problem}`,
    ),
  );
  return [...missing, ...loose];
}

function ruleProblems({ metadata, spec }: Policy): readonly string[] {
  const problems: string[] = [];
  const edge = metadata.namespace === edgeNamespace;
  if ((spec.action ?? "ALLOW") !== "ALLOW") problems.push("only ALLOW is understood here");
  if (spec.rules && !spec.selector?.matchLabels?.app) problems.push("selects more than one app");
  for (const { from, to, when } of spec.rules ?? []) {
    const sources = from ?? [];
    const operations = to ?? [];
    if (sources.length === 0 && !edge) problems.push("a rule permits everybody");
    if (operations.length === 0) problems.push("a rule permits every call");
    if (when) problems.push("conditions are not understood here");
    for (const { source } of sources) {
      if (Object.keys(source).join() !== "principals")
        problems.push("a source must be principals and nothing else");
      if (source.principals?.some((principal) => principal.includes("*")))
        problems.push("a principal has a wildcard");
    }
    for (const { operation } of operations) {
      if (!operation.paths && !operation.ports) problems.push("an operation names neither paths nor ports");
      const wild = operation.paths?.filter((path) => path.includes("*")) ?? [];
      const surface = operation.ports?.join() === String(surfacePort);
      if (wild.some((path) => !surface || !/^\/[^*]+\/\*$/.test(path)))
        problems.push("a path has a wildcard");
    }
  }
  return problems;
}

/** Every service account against every RPC: what the policies permit is what the table says, and nothing else. */
function matrixProblems(policies: readonly Policy[], rows: readonly Row[]): readonly string[] {
  return rows.flatMap(({ service, path, callers }) =>
    [...serviceNames, "edge", "default"].flatMap((caller) => {
      const expected = callers.some((name) => name === caller);
      const principal = principalOf(caller, caller === "edge" ? edgeNamespace : namespace);
      if (permits(policies, service, principal, { path, method: "POST", port: "9443" }) === expected)
        return [];
      return [
        `${caller} -> ${path}: ${expected ? "refused by the policies, permitted" : "permitted by the policies, refused"} by the contracts`,
      ];
    }),
  );
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Every service account against the surfaces' port of every service: only the gateway, and what the surfaces declare. */
function surfaceProblems(policies: readonly Policy[]): readonly string[] {
  const all = serviceNames.flatMap((name) => surfacesOf(name));
  const asked = [
    "/",
    "/x",
    ...all.flatMap(({ paths }) => paths.map((path) => `${path}${path.endsWith("/") ? "x" : ""}`)),
  ];
  return serviceNames
    .filter((service) => service !== "gateway")
    .flatMap((service) =>
      [...serviceNames, "edge", "default"].flatMap((caller) =>
        asked.flatMap((path) =>
          methods.flatMap((method) => {
            const declared = surfacesOf(service).some(
              (one) => hasPath(one, path) && one.methods.some((own) => own === method),
            );
            const expected = caller === "gateway" && declared;
            const principal = principalOf(caller, caller === "edge" ? edgeNamespace : namespace);
            const call = { path, method, port: String(surfacePort) };
            if (permits(policies, service, principal, call) === expected) return [];
            return [
              `${caller} -> ${method} ${path} of ${service}'s surfaces: ${expected ? "refused by the policies, declared" : "permitted by the policies, not declared"} by the service`,
            ];
          }),
        ),
      ),
    );
}

/** A service with surfaces has their port, in its pods and at its address; no other has. */
function portProblems(manifests: readonly Manifest[]): readonly string[] {
  type Addresses = {
    metadata: Metadata;
    spec: { ports?: readonly { name?: string; port: number; targetPort?: string | number }[] };
  };
  return serviceNames.flatMap((service) => {
    const expected = surfacesOf(service).length > 0;
    const container = ofKind<Workload>(manifests, "Deployment", "StatefulSet")
      .find(({ metadata }) => metadata.name === service && metadata.namespace === namespace)
      ?.spec.template.spec.containers.find(({ name }) => name === "service") as
      | { ports?: readonly { name?: string; containerPort: number }[] }
      | undefined;
    const named = container?.ports?.find(({ containerPort }) => containerPort === surfacePort)?.name;
    const address = ofKind<Addresses>(manifests, "Service").find(
      ({ metadata }) => metadata.name === service && metadata.namespace === namespace,
    );
    const led = address?.spec.ports?.find(({ port }) => port === surfacePort)?.targetPort;
    if ((named !== undefined) === expected && led === named) return [];
    return [
      `${service}: port ${surfacePort} must ${expected ? "be there in its pod and its Service, for its surfaces" : "not be there: it has no surfaces"}`,
    ];
  });
}

/** Istio's evaluation of ALLOW policies: one rule that matches is enough; with policies and no match, no. */
function permits(
  policies: readonly Policy[],
  service: ServiceName,
  principal: string,
  { path, method, port }: { readonly path: string; readonly method: string; readonly port: string },
): boolean {
  const one = (patterns: readonly string[] | undefined, value: string) =>
    patterns === undefined || patterns.some((pattern) => matches(pattern, value));
  return policies
    .filter(
      ({ metadata, spec }) => metadata.namespace === namespace && selects(spec.selector, { app: service }),
    )
    .flatMap(({ spec }) => spec.rules ?? [])
    .some(
      ({ from, to }) =>
        (from === undefined || from.some(({ source }) => one(source.principals, principal))) &&
        (to === undefined ||
          to.some(
            ({ operation }) =>
              one(operation.paths, path) && one(operation.methods, method) && one(operation.ports, port),
          )),
    );
}

/** Exact, `*`, `prefix*` or `*suffix`, as Istio reads them. */
function matches(pattern: string, value: string): boolean {
  if (pattern === "*") return value !== "";
  if (pattern.endsWith("*")) return value.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith("*")) return value.endsWith(pattern.slice(1));
  return pattern === value;
}

function networkProblems(manifests: readonly Manifest[], rows: readonly Row[]): readonly string[] {
  const policies = ofKind<NetworkPolicy>(manifests, "NetworkPolicy");
  const denying = ({ spec }: NetworkPolicy) =>
    selects(spec.podSelector, {}) &&
    spec.podSelector.matchExpressions === undefined &&
    spec.policyTypes?.includes("Ingress") &&
    spec.policyTypes.includes("Egress") &&
    !spec.ingress &&
    !spec.egress;
  const missing = namespaces
    .filter((name) => !policies.some((policy) => policy.metadata.namespace === name && denying(policy)))
    .map((name) => `namespace ${name}: no NetworkPolicy denies everything by default`);
  const open = policies.flatMap(({ metadata, spec }) => [
    ...(spec.ingress ?? [])
      .filter(
        ({ from, ports }) =>
          (from ?? []).length === 0 && !(metadata.namespace === edgeNamespace && ports?.length),
      )
      .map(() => `NetworkPolicy ${metadata.namespace}/${metadata.name}: lets everybody in`),
    ...(spec.egress ?? [])
      .filter(({ to, ports }) => (to ?? []).length === 0 || !ports?.length)
      .map(
        () => `NetworkPolicy ${metadata.namespace}/${metadata.name}: lets out to anywhere, or to any port`,
      ),
  ]);
  const table = serviceNames.flatMap((service) =>
    [...serviceNames, "edge"].flatMap((caller) => {
      const expected = serviceNames.some((name) => name === caller && calledBy(rows, name).includes(service));
      return reaches(policies, caller, service, 9443) === expected
        ? []
        : [
            `network: ${caller} to ${service} is ${expected ? "closed, and the contracts need it" : "open, and no contract needs it"}`,
          ];
    }),
  );
  const surfaces = serviceNames.flatMap((service) =>
    [...serviceNames, "edge"].flatMap((caller) => {
      const expected = caller === "gateway" && surfacesOf(service).length > 0;
      return reaches(policies, caller, service, surfacePort) === expected
        ? []
        : [`network: ${caller} to the surfaces of ${service} is ${expected ? "closed" : "open"}`];
    }),
  );
  return [...missing, ...open, ...table, ...surfaces];
}

/** Whether the caller's pods may open a connection to the service's port: out of theirs and into its own. */
function reaches(
  policies: readonly NetworkPolicy[],
  caller: string,
  service: string,
  wanted: number,
): boolean {
  const from = caller === "edge" ? edgeNamespace : namespace;
  const peersHave = (
    peers: readonly { podSelector?: object; namespaceSelector?: object }[] | undefined,
    own: string,
    other: string,
    app: string,
  ) =>
    (peers ?? []).some(
      ({ podSelector, namespaceSelector }) =>
        (namespaceSelector
          ? selects(namespaceSelector, { "kubernetes.io/metadata.name": other })
          : own === other) && selects(podSelector, { app, "app.kubernetes.io/part-of": "wellapi" }),
    );
  const opens = (ports: readonly { port: number }[] | undefined) =>
    ports?.some(({ port }) => port === wanted) === true;
  const of = (name: string, app: string) =>
    policies.filter(
      ({ metadata, spec }) =>
        metadata.namespace === name &&
        !spec.podSelector.matchExpressions &&
        selects(spec.podSelector, { app }),
    );
  const out = of(from, caller).some(({ spec }) =>
    spec.egress?.some((rule) => opens(rule.ports) && peersHave(rule.to, from, namespace, service)),
  );
  const into = of(namespace, service).some(({ spec }) =>
    spec.ingress?.some((rule) => opens(rule.ports) && peersHave(rule.from, namespace, from, caller)),
  );
  return out && into;
}

function trafficProblems(manifests: readonly Manifest[]): readonly string[] {
  type Rule = { metadata: Metadata; spec: { host: string; trafficPolicy?: { tls?: { mode?: string } } } };
  type Entry = { spec: { hosts: readonly string[] } };
  type Gateway = {
    spec: {
      servers: readonly {
        port: { protocol: string };
        tls?: { mode?: string; minProtocolVersion?: string };
      }[];
    };
  };
  type Sidecar = {
    metadata: Metadata;
    spec: {
      workloadSelector?: { labels?: Record<string, string> };
      ingress?: readonly { defaultEndpoint?: string }[];
      outboundTrafficPolicy?: { mode?: string };
    };
  };
  const outside = ofKind<Entry>(manifests, "ServiceEntry").flatMap(({ spec }) => spec.hosts);
  const problems: string[] = [];
  for (const { metadata, spec } of ofKind<Rule>(manifests, "DestinationRule")) {
    const own = !outside.some((host) => matches(spec.host, host));
    if (own && spec.trafficPolicy?.tls?.mode !== "ISTIO_MUTUAL") {
      problems.push(
        `DestinationRule ${metadata.namespace}/${metadata.name}: calls inside the mesh must be ISTIO_MUTUAL`,
      );
    }
  }
  for (const { port, tls } of ofKind<Gateway>(manifests, "Gateway").flatMap(({ spec }) => spec.servers)) {
    const passed = port.protocol === "TLS" && tls?.mode === "PASSTHROUGH";
    if (!passed && tls?.minProtocolVersion !== "TLSV1_3")
      problems.push("Gateway: an edge must pass TLS on, or end TLS 1.3");
  }
  const sidecars = ofKind<Sidecar>(manifests, "Sidecar");
  for (const service of serviceNames) {
    const sidecar = sidecars.find(({ spec }) => spec.workloadSelector?.labels?.app === service);
    if (sidecar?.spec.outboundTrafficPolicy?.mode !== "REGISTRY_ONLY") {
      problems.push(`Sidecar of ${service}: must be there, and REGISTRY_ONLY`);
    }
    if (
      service !== "gateway" &&
      !sidecar?.spec.ingress?.every((entry) => entry.defaultEndpoint?.startsWith("127.0.0.1:"))
    ) {
      problems.push(`Sidecar of ${service}: must deliver to loopback, where the service listens`);
    }
  }
  return problems;
}
