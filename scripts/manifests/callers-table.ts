/** The table of who may call what, as the contracts say it, for the workloads that run in the mesh. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DescFile, DescMethod, DescService } from "@bufbuild/protobuf";
import { type ServiceName, serviceNames, services } from "../../host/src/services.ts";
import { callersOf, isPublic } from "../../packages/rpc/src/caller/callers.ts";

/** One RPC, the service that serves it and the service accounts that may call it. */
export interface Row {
  readonly service: ServiceName;
  /** `/wellapi.records.v1.RecordsService/ReadSeries` */
  readonly path: string;
  readonly callers: readonly ServiceName[];
}

export class TableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TableError";
  }
}

/** Where all services share a process the door is one of its own; in the mesh it is the gateway's. */
const door = "door";

const gen = new URL("../../gen/wellapi/", import.meta.url);

/** Every service of the contracts, from the generated descriptors. */
export async function contractServices(): Promise<readonly DescService[]> {
  const files = readdirSync(gen, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith("_service_pb.js"),
  );
  const modules = await Promise.all(
    files.sort().map((file) => import(fileURLToPath(new URL(file, gen))) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((module) =>
    Object.values(module)
      .filter(isFile)
      .flatMap((file) => file.services),
  );
}

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file";
}

/**
 * The rows of these services, sorted. Throws TableError for an RPC without a row, for one that nobody may call, for
 * a workload that does not run, and for a contract that no process serves.
 */
export function tableOf(services: readonly DescService[]): readonly Row[] {
  const rows = services.flatMap((service) => service.methods.map(rowOf));
  return rows.sort((a, b) => compare(a.path, b.path));
}

/** `wellapi.records.v1.RecordsService`: the services that callers from outside may call, sorted. */
export function publicTypeNames(services: readonly DescService[]): readonly string[] {
  return services
    .filter(isPublic)
    .map((service) => service.typeName)
    .sort(compare);
}

/** Which services each service calls, by the table; `gateway` calls on behalf of everybody outside. */
export function calledBy(rows: readonly Row[], caller: ServiceName): readonly ServiceName[] {
  return serviceNames.filter((name) =>
    rows.some((row) => row.service === name && row.callers.includes(caller)),
  );
}

function rowOf(method: DescMethod): Row {
  const path = `/${method.parent.typeName}/${method.name}`;
  const service = services.serving(method.parent.typeName)?.name as ServiceName | undefined;
  if (service === undefined) throw new TableError(`${path}: no process of the mesh serves it`);
  const said = callersOf(method);
  if (said === undefined) {
    throw new TableError(
      `${path}: the contract does not say who may call it (wellapi.type.v1.service_callers)`,
    );
  }
  const workloads = [...said.workloads, ...said.surfaces];
  const unknown = workloads.filter((name) => name !== door && !serviceNames.some((known) => known === name));
  if (unknown.length > 0)
    throw new TableError(`${path}: no workload of the mesh is named ${unknown.join(", ")}`);
  // What is for the surfaces of the service itself never leaves its process.
  const ownSurface = said.surfaces.includes(service);
  const callers = serviceNames.filter(
    (name) => workloads.includes(name) && (name !== service || said.workloads.includes(name)),
  );
  if (callers.length === 0 && !ownSurface) throw new TableError(`${path}: nobody in the mesh may call it`);
  return { service, path, callers };
}

/** By code unit: the same on every machine, whatever its locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
