/**
 * Everything in which the laboratory differs from what `kubectl apply -k deploy/kubernetes/overlays/production` would
 * send. Nobody carries out NetworkPolicies (they need a network plugin), autoscalers and disruption budgets (a
 * scheduler), roles and service accounts (an API server); the injector's and the CNI plugin's work is done by pods.ts.
 * The Istio objects go to istiod as they were rendered. (Nothing had to be left out for Envoy's sake: the metrics of
 * Istio's Telemetry would need `istio.stats`, which Envoy without Istio's own filters refuses, but no manifest asks for
 * them; a mesh's default would.)
 */
import { pathToFileURL } from "node:url";
import type { Manifest } from "../../scripts/manifests/derived.ts";
import { repository, seen } from "./world.ts";

/** Settings of the services that are others here than in the rendered ConfigMap. Undefined: not set. */
export const settings: Readonly<Record<string, string | undefined>> = {
  // Production issues no patients' tokens by itself yet, and the story has patients.
  WELLAPI_PROFILE: "sandbox",
  // One server of NATS.
  WELLAPI_NATS_REPLICAS: "1",
  // There is no collector.
  OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
  WELLAPI_LOG_LEVEL: "warn",
  // An HTTP surface that is there for the rows about surfaces (surface.ts adds its manifests, too).
  NODE_OPTIONS: `--import=${pathToFileURL(seen(`${repository}test/mesh/surface.ts`)).href}`,
};

/** Kinds that istiod reads itself; the others are Kubernetes' own work. */
const istioGroups = ["networking.istio.io/", "security.istio.io/", "telemetry.istio.io/"];

export function isIstio({ apiVersion }: Manifest): boolean {
  return istioGroups.some((group) => String(apiVersion).startsWith(group));
}

/** `/var/...` of a pod is a folder of the laboratory's. */
export function inFolder(value: string, folder: string): string {
  return value
    .replaceAll("/var/run/wellapi", `${folder}/secrets`)
    .replaceAll("/var/lib/wellapi", `${folder}/data`);
}
