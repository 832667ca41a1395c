/** What every pod must be, whatever it runs. Each function returns the problems that it finds. */
import type { Manifest } from "./derived.ts";
import { type Container, type Metadata, ofKind, selects, type Workload } from "./kinds.ts";

export function workloadProblems(manifests: readonly Manifest[]): readonly string[] {
  const accounts = ofKind<{ metadata: Metadata; automountServiceAccountToken?: boolean }>(
    manifests,
    "ServiceAccount",
  );
  return ofKind<Workload>(manifests, "Deployment", "StatefulSet").flatMap((workload) => {
    const { name, namespace } = workload.metadata;
    const account = accounts.find(
      ({ metadata }) =>
        metadata.name === workload.spec.template.spec.serviceAccountName && metadata.namespace === namespace,
    );
    const problems = [
      ...podProblems(workload),
      ...companionProblems(workload, manifests),
      ...(account === undefined ? ["has no service account of its own"] : []),
      ...(account && account.automountServiceAccountToken !== false
        ? ["its service account mounts a token: automountServiceAccountToken must be false"]
        : []),
    ];
    return problems.map((problem) => `${workload.kind} ${namespace}/${name}: ${problem}`);
  });
}

function podProblems({ spec }: Workload): readonly string[] {
  const pod = spec.template.spec;
  const context = pod.securityContext;
  const problems: string[] = [];
  const must = (holds: boolean, problem: string) => void (holds || problems.push(problem));
  must(
    pod.automountServiceAccountToken === false,
    "mounts a token: automountServiceAccountToken must be false",
  );
  must(context?.runAsNonRoot === true, "may run as root: the pod's runAsNonRoot must be true");
  must((context?.runAsUser ?? 0) > 0, "the pod's runAsUser must be a user other than root");
  must(context?.seccompProfile?.type === "RuntimeDefault", "seccompProfile must be RuntimeDefault");
  must(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, "shares a namespace of the node's");
  must(!(pod.volumes ?? []).some((volume) => "hostPath" in volume), "mounts a path of the node's");
  must(
    (pod.topologySpreadConstraints ?? []).length > 0,
    "is not spread: topologySpreadConstraints is missing",
  );
  must(pod.affinity?.podAntiAffinity !== undefined, "podAntiAffinity is missing");
  must(
    !(spec.volumeClaimTemplates ?? []).some(({ metadata }) => metadata.labels),
    "labels on a claim's template: Kubernetes refuses to change them at the next version",
  );
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    problems.push(...containerProblems(container));
  }
  return problems;
}

function containerProblems(container: Container): readonly string[] {
  const { name, image, env = [], resources, securityContext: context } = container;
  const problems: string[] = [];
  const must = (holds: boolean, problem: string) => void (holds || problems.push(`${name}: ${problem}`));
  must(context?.allowPrivilegeEscalation === false, "allowPrivilegeEscalation must be false");
  must(context?.privileged !== true, "is privileged");
  must(context?.readOnlyRootFilesystem === true, "readOnlyRootFilesystem must be true");
  must(context?.runAsNonRoot !== false && context?.runAsUser !== 0, "may run as root");
  must(context?.capabilities?.drop?.includes("ALL") === true, "capabilities must drop ALL");
  must((context?.capabilities?.add ?? []).length === 0, "adds capabilities");
  must(Boolean(resources?.requests?.cpu && resources.requests.memory), "resource requests are missing");
  must(Boolean(resources?.limits?.memory), "the limit of memory is missing");
  must(
    image === "auto" || (/:[^/]+$/.test(image) && !image.endsWith(":latest")),
    `image ${image} names no version`,
  );
  if (name === "service") {
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
    must(
      probes.every((probe) => probe?.grpc !== undefined),
      "startup, readiness and liveness must be gRPC probes",
    );
  }
  for (const { name: variable, value } of env) {
    // A path may stand in a manifest, what lies there may not.
    const secret =
      /PASSWORD|SECRET|TOKEN|_KEY$|_URI$/.test(variable) && value !== undefined && !value.startsWith("/");
    must(!secret, `${variable} holds a secret: take it from a Secret`);
  }
  return problems;
}

function companionProblems(
  { kind, metadata, spec }: Workload,
  manifests: readonly Manifest[],
): readonly string[] {
  const { name, namespace } = metadata;
  const labels = spec.template.metadata.labels;
  const problems: string[] = [];
  const budgets = ofKind<{
    metadata: Metadata;
    spec: { selector?: { matchLabels?: Record<string, string> } };
  }>(manifests, "PodDisruptionBudget");
  if (
    !budgets.some(
      (budget) => budget.metadata.namespace === namespace && selects(budget.spec.selector, labels),
    )
  ) {
    problems.push("no PodDisruptionBudget");
  }
  const scalers = ofKind<{ spec: { scaleTargetRef: { kind: string; name: string } } }>(
    manifests,
    "HorizontalPodAutoscaler",
  );
  const scaled = scalers.some(
    ({ spec }) => spec.scaleTargetRef.kind === kind && spec.scaleTargetRef.name === name,
  );
  // Both would undo each other at every apply.
  if (scaled === (spec.replicas !== undefined)) {
    problems.push("must have either a HorizontalPodAutoscaler or a number of replicas");
  }
  return problems;
}

/** Secrets come by reference: none stands in the repository. */
export function secretProblems(manifests: readonly Manifest[]): readonly string[] {
  return ofKind<{ metadata: Metadata }>(manifests, "Secret").map(
    ({ metadata }) => `Secret ${metadata.namespace}/${metadata.name}: stands in the repository`,
  );
}
