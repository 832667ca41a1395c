/** Who may call what: a row for every RPC of the contracts and every account, from the table and nothing else. */

import { type ServiceName, serviceNames } from "../../host/src/services.ts";
import { calledBy, type Row as TableRow } from "../../scripts/manifests/callers-table.ts";
import { edge, type MeshPod, servicePods, stranger } from "./addresses.ts";
import type { Row } from "./rows.ts";

const inner = (row: TableRow): boolean => row.service !== "gateway";

/** Past the sidecar of the caller, so that the policies of the called service alone decide. */
export function certificateRows(table: readonly TableRow[]): readonly Row[] {
  return [...servicePods, stranger, edge].flatMap((account) =>
    table.filter(inner).map(({ service, path, callers }) => ({
      group: "by certificate",
      name: `${account.name} → ${path}`,
      expected: callers.some((caller) => caller === account.name) ? "answered" : "denied",
      run: async (round) => (await round.withCertificate(account, service, { path })).outcome,
    })),
  );
}

/** As a service calls: its own sidecar lets it find those that it calls by the table, and nobody else. */
export function sidecarRows(table: readonly TableRow[]): readonly Row[] {
  return [...servicePods, stranger].flatMap((from) => {
    const known = knownTo(from, table);
    // A sidecar that knows nobody does not even listen for calls to services.
    const refusal = known.length > 0 ? "not routed" : "no connection";
    return table.filter(inner).map(({ service, path, callers }) => ({
      group: "through sidecars",
      name: `${from.name} ⇒ ${path}`,
      expected: callers.some((caller) => caller === from.name)
        ? "answered"
        : known.includes(service)
          ? "denied"
          : refusal,
      run: async (round) => (await round.throughSidecar(from, service, { path })).outcome,
    }));
  });
}

/** No manifest limits what the stranger's sidecar knows: for it the called service's policies alone are there. */
function knownTo(from: MeshPod, table: readonly TableRow[]): readonly ServiceName[] {
  return from === stranger ? serviceNames : calledBy(table, from.name as ServiceName);
}

/** A workload that somebody adds and no contract names: it serves anybody, if it is reached. */
export function strangerRows(): readonly Row[] {
  return [...servicePods, edge].map((account) => ({
    group: "by certificate",
    name: `${account.name} → the stranger`,
    expected: "denied",
    run: async (round) =>
      (await round.withCertificate(account, stranger.name, { path: "/anything.v1.Service/Do" })).outcome,
  }));
}
