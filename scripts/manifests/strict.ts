/**
 * Strict validation of Kubernetes and Istio objects, offline: the published OpenAPI schemas (npm `kubernetes-models`
 * and `@kubernetes-models/istio`, compiled), and a field that the schema does not know is an error. Kubernetes and
 * istiod drop such a field in silence: `pathss` beside `methods` in a policy permits every path.
 */
import type { Manifest } from "./derived.ts";

interface Finding {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params: object;
}

interface Validate {
  (data: unknown): boolean;
  readonly errors?: readonly Finding[] | null;
}

const kubernetes: Readonly<Record<string, string>> = {
  v1: "CoreV1",
  "apps/v1": "AppsV1",
  "autoscaling/v2": "AutoscalingV2",
  "networking.k8s.io/v1": "NetworkingV1",
  "policy/v1": "PolicyV1",
  "rbac.authorization.k8s.io/v1": "RbacV1",
};

const istio: Readonly<Record<string, string>> = {
  "networking.istio.io/v1": "NetworkingIstioIoV1",
  "security.istio.io/v1": "SecurityIstioIoV1",
  "telemetry.istio.io/v1": "TelemetryIstioIoV1",
};

/** Its schemas are no exports of the package, which has only classes around them. */
const istioPackage = import.meta.resolve("@kubernetes-models/istio");

/** Every problem, as `Deployment wellapi/records: /spec/replicas: ...`. Empty: the object is valid, to the letter. */
export async function strictProblems(manifest: Manifest): Promise<readonly string[]> {
  const validate = await schemaOf(manifest);
  if (validate === undefined)
    return [`${titleOf(manifest)}: no schema for ${manifest.apiVersion} ${manifest.kind}`];
  const { seen, unread } = record(manifest);
  const invalid = validate(seen) ? [] : (validate.errors ?? []);
  return [
    ...invalid.map(
      ({ instancePath, keyword, params }) => `${instancePath || "/"}: ${keyword} ${JSON.stringify(params)}`,
    ),
    ...unread().map((path) => `${path}: unknown field`),
  ].map((problem) => `${titleOf(manifest)}: ${problem}`);
}

/** `Deployment wellapi/records` */
export function titleOf(manifest: Manifest): string {
  const { name, namespace } = (manifest.metadata ?? {}) as { name?: string; namespace?: string };
  return `${manifest.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

async function schemaOf({ apiVersion, kind }: Manifest): Promise<Validate | undefined> {
  const version = String(apiVersion);
  const path = kubernetes[version]
    ? `kubernetes-models/_schemas/IoK8sApi${kubernetes[version]}${kind}`
    : istio[version] && new URL(`_schemas/${istio[version]}${kind}.js`, istioPackage).href;
  if (!path) return undefined;
  try {
    return ((await import(path)) as { validate: Validate }).validate;
  } catch {
    return undefined;
  }
}

/**
 * The object behind a recorder. A compiled schema reads each property that it knows, of each object that it looks
 * into (and each key of a map): what it has not read, it does not know.
 */
function record(root: Manifest): { seen: unknown; unread: () => readonly string[] } {
  const read = new Map<object, Set<string>>();
  const proxies = new Map<object, object>();

  function watch(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const known = proxies.get(value);
    if (known) return known;
    const keys = new Set<string>();
    read.set(value, keys);
    const proxy = new Proxy(value, {
      get(target, key) {
        if (typeof key === "string") keys.add(key);
        return watch(Reflect.get(target, key));
      },
    });
    proxies.set(value, proxy);
    return proxy;
  }

  function missed(value: unknown, path: string): readonly string[] {
    if (typeof value !== "object" || value === null) return [];
    const keys = read.get(value);
    return Object.entries(value).flatMap(([key, inner]) =>
      keys?.has(key) ? missed(inner, `${path}/${key}`) : [`${path}/${key}`],
    );
  }

  return { seen: watch(root), unread: () => missed(root, "") };
}
