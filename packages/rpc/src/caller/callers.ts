import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import {
  CallerKind,
  type Callers,
  method_callers,
  service_callers,
} from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { RpcError } from "../errors.ts";
import type { Route } from "../wire/route.ts";
import type { Caller, Principal } from "./caller.ts";

/** Workloads at which calls from outside arrive. */
const edges: ReadonlySet<string> = new Set(["door", "gateway"]);

const kinds: Readonly<Record<Principal["kind"], CallerKind>> = {
  anonymous: CallerKind.ANYONE,
  application: CallerKind.APPLICATION,
  patient: CallerKind.PATIENT,
  operator: CallerKind.OPERATOR,
  service: CallerKind.SERVICE,
};

/** Who may call the method, by its own option or its service's. Undefined where the contract does not say. */
export function callersOf(method: DescMethod): Callers | undefined {
  if (!known.has(method)) known.set(method, readCallers(method));
  return known.get(method);
}

/** Options are parsed at each access, and this one is accessed at each call. */
const known = new WeakMap<DescMethod, Callers | undefined>();

function readCallers(method: DescMethod): Callers | undefined {
  if (hasOption(method, method_callers)) return getOption(method, method_callers);
  if (hasOption(method.parent, service_callers)) return getOption(method.parent, service_callers);
  return undefined;
}

/**
 * Whether the service is for callers from outside: its contract is not one of `wellapi.internal`, names the edges and
 * no other workload, and not only services as principals. Each of the three is enough; a mistake in one opens nothing.
 */
export function isPublic(service: DescService): boolean {
  const known = publicServices.get(service) ?? readPublic(service);
  publicServices.set(service, known);
  return known;
}

/** As `known`. */
const publicServices = new WeakMap<DescService, boolean>();

function readPublic(service: DescService): boolean {
  if (service.typeName.startsWith("wellapi.internal.")) return false;
  if (!hasOption(service, service_callers)) return false;
  const { workloads, kinds } = getOption(service, service_callers);
  const atEdges = workloads.length > 0 && workloads.every((workload) => edges.has(workload));
  return atEdges && kinds.some((kind) => kind !== CallerKind.SERVICE);
}

/**
 * Both must hold: the principal's kind, and the calling workload. The workload may be a service with an HTTP surface
 * that carries the call, for other principals only. What the contract does not name is not permitted.
 */
export function permits(callers: Callers | undefined, caller: Caller): boolean {
  if (callers === undefined) return false;
  const kind =
    callers.kinds.includes(CallerKind.ANYONE) || callers.kinds.includes(kinds[caller.principal.kind]);
  const bySurface = caller.principal.kind !== "service" && callers.surfaces.includes(caller.workload);
  return kind && (callers.workloads.includes(caller.workload) || bySurface);
}

/** @throws RpcError for a service whose contract does not name its callers, and for a duplicate service. */
export function assertRoutes(routes: readonly Route[]): void {
  const seen = new Set<string>();
  for (const { service } of routes) {
    if (seen.has(service.typeName)) {
      throw new RpcError("invalid-route", `${service.typeName} is routed twice`);
    }
    seen.add(service.typeName);
    if (!hasOption(service, service_callers)) {
      throw new RpcError(
        "invalid-route",
        `${service.typeName} does not say who may call it: give it the option wellapi.type.v1.service_callers`,
      );
    }
  }
}
