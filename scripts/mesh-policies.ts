/**
 * Writes what the manifests take from the contracts (who may call what, and the public services) and from the services'
 * descriptors (what runs, and what it reaches), and the table of the services' settings; `--check` compares with the committed files instead, so that a new RPC cannot be forgotten here.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { type ServiceName, services } from "../host/src/services.ts";
import { contractServices, publicTypeNames, TableError, tableOf } from "./manifests/callers-table.ts";
import {
  authorizationPolicies,
  edgeRoutes,
  isOutward,
  type Manifest,
  networkPolicies,
  type Outside,
  routes,
  sidecars,
  usersOf,
} from "./manifests/derived.ts";
import { withSettings } from "./manifests/settings-table.ts";
import { workloadOf } from "./manifests/workloads.ts";

const root = new URL("../", import.meta.url);

/** The file's path from the root of the repository, and its text. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const contracts = await contractServices();
  const rows = tableOf(contracts);
  const outside = outsideOf(readFileSync(new URL("mesh/istio/service-entries.yaml", root), "utf8"));
  return new Map([
    ["mesh/istio/generated/authorization-policies.yaml", textOf(authorizationPolicies(rows))],
    ["mesh/istio/generated/sidecars.yaml", textOf(sidecars(rows, outside))],
    ["mesh/istio/generated/routes.yaml", textOf(routes())],
    ["mesh/istio/generated/edge-routes.yaml", textOf([edgeRoutes(publicTypeNames(contracts))])],
    [
      "host/README.md",
      withSettings(readFileSync(new URL("host/README.md", root), "utf8"), services.services),
    ],
    ["deploy/kubernetes/base/generated/workloads.yaml", textOf(services.services.flatMap(workloadOf))],
    ["deploy/kubernetes/base/generated/network-policies.yaml", textOf(networkPolicies(rows))],
  ]);
}

/** A ServiceEntry says in its annotation what it is for: the sidecars of services that need nothing of it don't know the host. */
function outsideOf(serviceEntries: string): Outside {
  const outside: Partial<Record<ServiceName, string[]>> = {};
  for (const document of parseAllDocuments(serviceEntries)) {
    const { metadata, spec } = document.toJS() as {
      metadata: { name: string; annotations: Record<string, string> };
      spec: { hosts: string[] };
    };
    const outward = metadata.annotations["wellapi.dev/used-for"];
    if (!isOutward(outward)) {
      throw new TableError(
        `ServiceEntry ${metadata.name}: wellapi.dev/used-for must be store, events or budgets`,
      );
    }
    for (const service of usersOf(outward)) outside[service] = [...(outside[service] ?? []), ...spec.hosts];
  }
  return outside;
}

function textOf(manifests: readonly Manifest[]): string {
  const header =
    "# Generated from the contracts and the services' descriptors by scripts/mesh-policies.ts (make generate). Do not edit.\n";
  return `${header}${manifests.map((manifest) => stringify(manifest, { lineWidth: 0 })).join("---\n")}`;
}

function committed(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), "utf8");
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  try {
    const stale = [...(await generatedFiles())].filter(([path, text]) => committed(path) !== text);
    if (process.argv.includes("--check")) {
      for (const [path] of stale)
        process.stdout.write(`${path} is not what the contracts and descriptors say; run "make generate"\n`);
      if (stale.length > 0) process.exitCode = 1;
    } else {
      for (const [path, text] of stale) {
        mkdirSync(dirname(new URL(path, root).pathname), { recursive: true });
        writeFileSync(new URL(path, root), text);
      }
    }
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    process.stdout.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
