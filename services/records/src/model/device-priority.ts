import { createHash } from "node:crypto";

/** A device in a patient's order, by internal ids. */
export interface RankedDevice {
  readonly organization: string;
  /** Empty: what the organization sends without a device. */
  readonly device: string;
}

/** A patient's order of devices, from the one to believe first on. */
export interface DevicePriority {
  /** Incremented by each change; 0 before the first. */
  readonly version: number;
  readonly devices: readonly RankedDevice[];
}

export const NO_PRIORITY: DevicePriority = { version: 0, devices: [] };

/** Names one version of an order; empty before the first. Opaque to callers. */
export function priorityEtag({ version, devices }: DevicePriority): string {
  if (version === 0) return "";
  const content = JSON.stringify([version, devices.map(keyOf)]);
  return createHash("sha256").update(content).digest("base64url").slice(0, 24);
}

export function isSameOrder(one: readonly RankedDevice[], other: readonly RankedDevice[]): boolean {
  return one.map(keyOf).join() === other.map(keyOf).join();
}

/** The position of the first device that was named before; -1 where none is. */
export function repeatedAt(devices: readonly RankedDevice[]): number {
  const keys = devices.map(keyOf);
  return keys.findIndex((key, at) => keys.indexOf(key) < at);
}

/** The place of a device in the order, from 0; Infinity where the order does not name it. */
export function placeIn({ devices }: DevicePriority, device: RankedDevice): number {
  const at = devices.findIndex((one) => keyOf(one) === keyOf(device));
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

function keyOf({ organization, device }: RankedDevice): string {
  return JSON.stringify([organization, device]);
}
