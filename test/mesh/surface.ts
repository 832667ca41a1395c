/**
 * The laboratory's own HTTP surface: identity's small REST read of a patient, which no installation has. Loaded before the
 * services' programs (`settings` in adaptations.ts) and by the laboratory itself.
 */
import { identityService } from "@wellapi/identity";
import type { ServiceDescriptor } from "@wellapi/service";
import type { Manifest } from "../../scripts/manifests/derived.ts";
import type { Policy } from "../../scripts/manifests/kinds.ts";
import { patientSurface } from "../surface/rest-surfaces.ts";

const { surfaces = [] }: ServiceDescriptor = identityService;
Object.assign(identityService, { surfaces: [...surfaces, patientSurface] });

interface Routes {
  readonly spec: { readonly http: readonly { readonly match: { uri: object }[] }[] };
}

/** The manifests, with what `make generate` would add for the surface: its route at the edge, and the gateway's leave. */
export function withSurface(rendered: readonly Manifest[]): readonly Manifest[] {
  const manifests = structuredClone([...rendered]);
  const find = <T>(kind: string, name: string): T =>
    manifests.find(
      (one) => one.kind === kind && (one.metadata as { name: string }).name === name,
    ) as unknown as T;
  const [prefix] = patientSurface.paths;
  for (const { match } of find<Routes>("VirtualService", "edge-http").spec.http) {
    match.push({ ...match[0]!, uri: { prefix } });
  }
  const operations = find<Policy>("AuthorizationPolicy", "identity").spec.rules!.at(-1)!.to as object[];
  operations.push({
    operation: { ports: ["9080"], methods: [...patientSurface.methods], paths: [`${prefix}*`] },
  });
  return manifests;
}
