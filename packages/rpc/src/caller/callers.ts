import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import {
  CallerKind,
  type Callers,
  Role as ContractRole,
  method_callers,
  service_callers,
} from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { hasScope } from "@wellapi/scopes";
import { RpcError } from "../errors.ts";
import type { Route } from "../wire/route.ts";
import { assurances, type Caller, type Principal, type Role } from "./caller.ts";

/** Workloads at which calls from outside arrive. */
const edges: ReadonlySet<string> = new Set(["door", "gateway"]);

const kinds: Readonly<Record<Principal["kind"], CallerKind>> = {
  anonymous: CallerKind.ANYONE,
  application: CallerKind.APPLICATION,
  patient: CallerKind.PATIENT,
  operator: CallerKind.OPERATOR,
  service: CallerKind.SERVICE,
  person: CallerKind.PERSON,
  member: CallerKind.MEMBER,
};

const contractRoles: Readonly<Record<Role, ContractRole>> = {
  operator: ContractRole.OPERATOR,
  privacy_officer: ContractRole.PRIVACY_OFFICER,
  staff_auditor: ContractRole.STAFF_AUDITOR,
  support: ContractRole.SUPPORT,
  owner: ContractRole.OWNER,
  administrator: ContractRole.ADMINISTRATOR,
  developer: ContractRole.DEVELOPER,
  clinician: ContractRole.CLINICIAN,
  auditor: ContractRole.AUDITOR,
};

/** `wellapi.records.v1.RecordsService/ReadSeries`: how messages and entries name an RPC. */
export function rpcNameOf(method: DescMethod): string {
  const before = names.get(method);
  if (before !== undefined) return before;
  const name = `${method.parent.typeName}/${method.name}`;
  names.set(method, name);
  return name;
}

/** Joined anew at each call, a name would be hashed at each look-up, too. */
const names = new WeakMap<DescMethod, string>();

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

/** Which part of the contract's rule a caller does not meet, in the order in which they are asked. */
export type Unmet = "caller" | "representative" | "role" | "scope" | "assurance";

/**
 * Undefined where the contract permits the caller: by kind and calling workload (which may be a service with an HTTP
 * surface that carries the call, for other principals only), by role, by scope, and by how the person signed in. What the
 * contract does not name is not permitted.
 */
export function unmetBy(callers: Callers | undefined, { principal, workload }: Caller): Unmet | undefined {
  if (callers === undefined) return "caller";
  const anyone = callers.kinds.includes(CallerKind.ANYONE);
  if (!anyone && !callers.kinds.includes(kinds[principal.kind])) return "caller";
  const bySurface = principal.kind !== "service" && callers.surfaces.includes(workload);
  if (!callers.workloads.includes(workload) && !bySurface) return "caller";
  if (anyone) return undefined;
  if (principal.actor?.kind === "representative" && !callers.representatives) return "representative";
  if (!hasRole(callers, principal)) return "role";
  const { scopes, assurance } = principal;
  if (!hasScope(scopes, callers.scopes) || !keepsToOnePatient(callers, principal)) return "scope";
  // The contract's numbers are the places in `assurances`, from 1.
  if (assurance !== undefined && assurances.indexOf(assurance) + 1 < leastOf(callers, principal)) {
    return "assurance";
  }
  return undefined;
}

/**
 * A token that is for one patient is taken only where the services look whom the call is about: what these resources' scopes
 * name; `*.` is of clinical records, which records look at. What comes later is refused until it looks, too.
 */
const aboutOnePatient = /^(?:Observation|Consent|Organization|\*)\.|^\*$/;

function keepsToOnePatient({ scopes }: Callers, { onlyPatient }: Principal): boolean {
  if (onlyPatient === undefined) return true;
  // Scopes of our own are for people, whose tokens are never for one patient.
  const resources = scopes.filter((one) => !one.startsWith("wellapi:"));
  return resources.length > 0 && resources.every((one) => aboutOnePatient.test(one));
}

export function permits(callers: Callers | undefined, caller: Caller): boolean {
  return unmetBy(callers, caller) === undefined;
}

function leastOf({ assurance, roleAssurance }: Callers, { kind }: Principal): number {
  return kind === "member" || kind === "operator" ? Math.max(assurance, roleAssurance) : assurance;
}

/** Of the staff, the role operator is meant where the contract names none; a member needs one that is named. */
function hasRole({ roles }: Callers, { kind, roles: own }: Principal): boolean {
  if (kind !== "member" && kind !== "operator") return true;
  const held = own ?? (kind === "operator" ? ["operator" as const] : []);
  if (roles.length === 0) return kind === "operator" && held.includes("operator");
  return held.some((role) => roles.includes(contractRoles[role]));
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
