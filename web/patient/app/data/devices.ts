import type { RankedDevice, Source } from "@wellapi/gen/wellapi/records/v1/records_pb";

/** The contract's: what comes after has no place in the order. */
export const mostRanked = 32;

export type Device = Pick<RankedDevice, "organization" | "deviceId">;

export interface NamedDevice extends Device {
  /** Empty where nobody has said it, or nothing of the device is shown any more. */
  readonly model: string;
}

export const deviceKey = ({ organization, deviceId }: Device): string => `${organization} ${deviceId}`;

/**
 * All devices: first those that the order names, as it names them, also where they have nothing to show now, since whoever saves the
 * list without them takes their place from them. Then the others that have sent something.
 */
export function inOrder(sources: readonly Source[], order: readonly Device[]): readonly NamedDevice[] {
  const sent = new Map(
    sources.map(({ organization, deviceId, deviceModel }) => [
      deviceKey({ organization, deviceId }),
      { organization, deviceId, model: deviceModel },
    ]),
  );
  const ranked = order.map(
    ({ organization, deviceId }) =>
      sent.get(deviceKey({ organization, deviceId })) ?? { organization, deviceId, model: "" },
  );
  return [...ranked, ...[...sent.values()].filter((one) => !ranked.includes(one))];
}

/** The order that is saved. */
export function rankedOf(devices: readonly NamedDevice[]): readonly Device[] {
  return devices.slice(0, mostRanked).map(({ organization, deviceId }) => ({ organization, deviceId }));
}
