/** The parts of Kubernetes and Istio objects that the rules look at. The objects have passed strict.ts. */
import type { Manifest } from "./derived.ts";

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Labels {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly seccompProfile?: { readonly type: string };
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
}

type Probe = { readonly grpc?: { readonly port: number } };

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly securityContext?: SecurityContext;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: SecurityContext;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly topologySpreadConstraints?: readonly unknown[];
  readonly affinity?: { readonly podAntiAffinity?: object };
}

export interface Workload {
  readonly kind: "Deployment" | "StatefulSet";
  readonly metadata: Metadata;
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly metadata: Metadata; readonly spec: PodSpec };
    readonly volumeClaimTemplates?: readonly { readonly metadata: Metadata }[];
  };
}

export interface Policy {
  readonly metadata: Metadata;
  readonly spec: {
    readonly selector?: Labels;
    readonly action?: string;
    readonly rules?: readonly {
      readonly from?: readonly { readonly source: Readonly<Record<string, readonly string[]>> }[];
      readonly to?: readonly { readonly operation: Readonly<Record<string, readonly string[]>> }[];
      readonly when?: readonly unknown[];
    }[];
  };
}

interface Peer {
  readonly podSelector?: Labels;
  readonly namespaceSelector?: Labels;
}

export interface NetworkPolicy {
  readonly metadata: Metadata;
  readonly spec: {
    readonly podSelector: Labels & { readonly matchExpressions?: readonly unknown[] };
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly Peer[];
      readonly ports?: readonly { readonly port: number }[];
    }[];
    readonly egress?: readonly {
      readonly to?: readonly Peer[];
      readonly ports?: readonly { readonly port: number }[];
    }[];
  };
}

/** Those of a kind, seen as `T`. */
export function ofKind<T>(manifests: readonly Manifest[], ...kinds: readonly string[]): readonly T[] {
  return manifests.filter((manifest) => kinds.includes(String(manifest.kind))) as unknown as readonly T[];
}

/** Whether the selector's labels are all among these; one without labels selects everything. */
export function selects(
  selector: Labels | undefined,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
