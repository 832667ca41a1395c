import { type Sources, sourceDeviceKey } from "@wellapi/enforcer";
import type { Contributor } from "../model/contributor.ts";
import type { Method } from "../model/provenance.ts";

interface FromSources {
  readonly sources?: Sources | undefined;
}

/** Whether the contributor makes a difference to any of the permits. */
export function namesSources(permits: readonly FromSources[]): boolean {
  return permits.some(({ sources }) => sources !== undefined);
}

/** Whether the contributor's device does, too. */
export function namesDevices(permits: readonly FromSources[]): boolean {
  return permits.some(({ sources }) => sources?.also !== undefined || sources?.without !== undefined);
}

/** The permits that hold for the data of one contributor; undefined: of one who is not known. */
export function permitsFrom<P extends FromSources>(
  permits: readonly P[],
  contributor: Contributor | undefined,
): readonly P[] {
  return namesSources(permits) ? permits.filter((permit) => isFrom(permit, contributor)) : permits;
}

function isFrom({ sources }: FromSources, contributor: Contributor | undefined): boolean {
  if (sources === undefined) return true;
  if (contributor === undefined) return false;
  const { organization, device, method } = contributor;
  const { also, without } = sources;
  if (!isOfMethods(sources, method)) return false;
  const whole = "only" in sources ? sources.only.has(organization) : !sources.except.has(organization);
  if (device === undefined) return whole && without === undefined;
  const key = sourceDeviceKey(organization, device);
  return without?.has(key) !== true && (whole || also?.has(key) === true);
}

function isOfMethods({ onlyMethods, exceptMethods }: Sources, method: Method | undefined): boolean {
  if (method === undefined) return onlyMethods === undefined && exceptMethods === undefined;
  return onlyMethods?.has(method) !== false && exceptMethods?.has(method) !== true;
}

/** Whether it holds for data of the contributor's organization and method of some device, or without any. */
export function isFromSome({ sources }: FromSources, { organization, method }: Contributor): boolean {
  if (sources === undefined) return true;
  if (!isOfMethods(sources, method)) return false;
  const { also = new Set<string>() } = sources;
  const whole = "only" in sources ? sources.only.has(organization) : !sources.except.has(organization);
  const ofIts = sourceDeviceKey(organization, "");
  return whole || [...also].some((key) => key.startsWith(ofIts));
}

/** The sources of a permit in one text; empty: all. */
export function sourcesText({ sources }: FromSources): string {
  if (sources === undefined) return "";
  const [word, organizations] = "only" in sources ? ["only", sources.only] : ["except", sources.except];
  const { also = new Set<string>(), without = new Set<string>() } = sources;
  const devices = [...[...also].map((key) => `also ${key}`), ...[...without].map((key) => `without ${key}`)];
  const { onlyMethods = new Set<Method>(), exceptMethods = new Set<Method>() } = sources;
  const methods = [
    ...[...onlyMethods].map((one) => `method ${one}`),
    ...[...exceptMethods].map((one) => `no method ${one}`),
  ];
  return [` ${word}`, ...[...organizations].sort(), ...devices.sort(), ...methods.sort()].join(" ");
}
