import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { CallerKind } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import { callersOf, isPublic } from "@wellapi/rpc";
import type { Need, ServiceDescriptor } from "./descriptor.ts";
import { ServiceError } from "./errors.ts";

/** The services of an installation, and what follows from their descriptors together. */
export interface Registry {
  /** In the order of a start: each after those that it calls. A shutdown goes the other way. */
  readonly services: readonly ServiceDescriptor[];
  /** In the same order. */
  readonly names: readonly string[];
  /** The contracts for callers from outside, sorted by name. */
  readonly publicContracts: readonly DescService[];
  /** Throws ServiceError `invalid_registry` where there is none of the name. */
  service(name: string): ServiceDescriptor;
  /** The service that serves a contract, by the contract's package; undefined: none. */
  serving(typeName: string): ServiceDescriptor | undefined;
  /**
   * Whether the method's answers are a patient's data, which leave under consent: what an application may request
   * from a service that holds a session with consent, about a patient whom the request names.
   */
  isConsented(method: DescMethod): boolean;
  /** Names of the services that this one calls: to do its work, for what it needs, and by its surfaces. Sorted as `names`. */
  calledBy(name: string): readonly string[];
}

/** Throws ServiceError `invalid_registry` where the descriptors do not fit together. */
export function createRegistry(descriptors: readonly ServiceDescriptor[]): Registry {
  const byName = new Map(descriptors.map((one) => [one.name, one]));
  if (byName.size !== descriptors.length) throw invalid("two services have the same name");
  const byPackage = packagesOf(descriptors);
  const providers = providersOf(descriptors);
  const calls = new Map(descriptors.map((one) => [one.name, callsOf(one, descriptors, providers)]));
  for (const { name, asks = [] } of descriptors) {
    const unknown = asks.find((other) => !byName.has(other));
    if (unknown !== undefined) throw invalid(`${name} asks ${unknown}, which is no service`);
  }
  const services = inOrder(descriptors, byName, calls);
  const bySurface = new Map(descriptors.map((one) => [one.name, surfaceCallsOf(one, byName)]));
  const names = services.map(({ name }) => name);
  const publicContracts = descriptors
    .flatMap(({ contracts }) => contracts)
    .filter(isPublic)
    .sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const consented = new Set(descriptors.flatMap(consentedMethods).map(pathOf));
  return {
    services,
    names,
    publicContracts,
    service(name) {
      const found = byName.get(name);
      if (found === undefined) throw invalid(`no service is named ${name}`);
      return found;
    },
    // By name: a door may hold another object of the same contract, and must guard it all the same.
    isConsented: (method) => consented.has(pathOf(method)),
    serving: (typeName) => byPackage.get(packageOf(typeName)),
    calledBy(name) {
      const { asks = [] } = byName.get(name) ?? {};
      return names.filter(
        (other) =>
          calls.get(name)?.has(other) || asks.includes(other) || bySurface.get(name)?.includes(other),
      );
    },
  };
}

function consentedMethods({ contracts, needs, compose }: ServiceDescriptor): readonly DescMethod[] {
  if (compose === undefined || !needs.includes("enforcement")) return [];
  return contracts.filter(isPublic).flatMap(({ methods }) =>
    methods.filter((method) => {
      // Who reads says of whom, and what for. The answer to a write holds nothing but what was written.
      const named = ["patient", "purpose"].every((field) =>
        method.input.fields.some(({ name }) => name === field),
      );
      return named && callersOf(method)?.kinds.includes(CallerKind.APPLICATION) === true;
    }),
  );
}

function pathOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

/** `wellapi.records.v1` of `wellapi.records.v1.RecordsService`. */
function packageOf(typeName: string): string {
  return typeName.slice(0, typeName.lastIndexOf("."));
}

function packagesOf(descriptors: readonly ServiceDescriptor[]): ReadonlyMap<string, ServiceDescriptor> {
  const owners = new Map<string, ServiceDescriptor>();
  for (const descriptor of descriptors) {
    for (const { typeName } of descriptor.contracts) {
      const owner = owners.get(packageOf(typeName));
      if (owner !== undefined && owner !== descriptor) {
        throw invalid(`${descriptor.name} and ${owner.name} both serve contracts of ${packageOf(typeName)}`);
      }
      owners.set(packageOf(typeName), descriptor);
    }
  }
  return owners;
}

function providersOf(descriptors: readonly ServiceDescriptor[]): ReadonlyMap<Need, string> {
  const providers = new Map<Need, string>();
  for (const { name, provides = [] } of descriptors) {
    for (const need of provides) {
      if (providers.has(need)) throw invalid(`${name} and ${providers.get(need)} both provide ${need}`);
      providers.set(need, name);
    }
  }
  return providers;
}

/** The edge calls every service that has a public contract. */
function callsOf(
  { name, calls, needs, compose }: ServiceDescriptor,
  descriptors: readonly ServiceDescriptor[],
  providers: ReadonlyMap<Need, string>,
): ReadonlySet<string> {
  const provided = needs.map((need) => providers.get(need)).filter((one) => one !== undefined);
  const behindEdge = compose
    ? []
    : descriptors.filter(({ contracts }) => contracts.some(isPublic)).map((one) => one.name);
  const called = new Set([...calls, ...provided, ...behindEdge]);
  for (const other of called) {
    if (!descriptors.some((one) => one.name === other))
      throw invalid(`${name} calls ${other}, which is no service`);
  }
  called.delete(name);
  return called;
}

function surfaceCallsOf(
  { name, needs, surfaceCalls = [], surfaces = [] }: ServiceDescriptor,
  byName: ReadonlyMap<string, ServiceDescriptor>,
): readonly string[] {
  if (surfaceCalls.length > 0 && surfaces.length === 0) throw invalid(`${name} has no surface that calls`);
  const unknown = surfaceCalls.find((one) => !byName.has(one));
  if (unknown !== undefined) throw invalid(`a surface of ${name} calls ${unknown}, which is no service`);
  // In one process the door has a session anyway; in a mesh it would pass on nothing.
  const consented = surfaceCalls.find((one) => consentedMethods(byName.get(one)!).length > 0);
  if (consented !== undefined && !needs.includes("enforcement")) {
    throw invalid(
      `${name}'s surfaces call ${consented}, whose answers leave a door only under a session with consent: it needs enforcement`,
    );
  }
  return surfaceCalls;
}

/** Depth first, in the order that is given: the same at each start. */
function inOrder(
  descriptors: readonly ServiceDescriptor[],
  byName: ReadonlyMap<string, ServiceDescriptor>,
  calls: ReadonlyMap<string, ReadonlySet<string>>,
): readonly ServiceDescriptor[] {
  const ordered: ServiceDescriptor[] = [];
  const place = (descriptor: ServiceDescriptor, path: readonly string[]): void => {
    if (ordered.includes(descriptor)) return;
    const { name } = descriptor;
    if (path.includes(name))
      throw invalid(`services call each other in a circle: ${[...path, name].join(" > ")}`);
    for (const called of calls.get(name)!) place(byName.get(called)!, [...path, name]);
    ordered.push(descriptor);
  };
  for (const descriptor of descriptors) place(descriptor, []);
  return ordered;
}

function invalid(message: string): ServiceError {
  return new ServiceError("invalid_registry", message);
}
