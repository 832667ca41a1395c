import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type Consent,
  Consent_State,
  type ConsentSchema,
  type Provision,
  Provision_Effect,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { Direction } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { type Device, deviceKey } from "../data/devices.ts";

/** A source whose data an organization does not get, whatever is permitted to it; `deviceId` empty: all that is sent by the organization. */
export interface LeftOut extends Device {
  /** The consent that denies it, and nothing else. */
  readonly consent: string;
}

/** What is left out now, source by source. */
export function leftOutOf(consents: readonly Consent[]): readonly LeftOut[] {
  return consents.flatMap((consent) => {
    const source = leftOutBy(consent);
    return source === undefined || consent.state !== Consent_State.ACTIVE
      ? []
      : [{ ...source, consent: consent.id }];
  });
}

/** The one source that a consent denies; undefined where it says anything else. */
export function leftOutBy({ provisions }: Consent): Device | undefined {
  const [first, ...more] = provisions;
  return first === undefined || more.length > 0 ? undefined : sourceDenied(first);
}

function sourceDenied({ effect, directions, purposes, window, sources }: Provision): Device | undefined {
  const isWhole =
    effect === Provision_Effect.DENY &&
    directions.every((one) => one === Direction.READ) &&
    purposes.length === 0 &&
    window.case === undefined &&
    (sources?.methods ?? []).length === 0;
  const named = [
    ...(sources?.organizations ?? []).map((organization) => ({ organization, deviceId: "" })),
    ...(sources?.devices ?? []).map(({ organization, deviceId }) => ({ organization, deviceId })),
  ];
  return isWhole && named.length === 1 ? named[0] : undefined;
}

/** A consent that denies one source, of these kinds of data. */
export function leavingOut(
  grantee: string,
  categories: readonly string[],
  { organization, deviceId }: Device,
): MessageInitShape<typeof ConsentSchema> {
  const sources =
    deviceId === "" ? { organizations: [organization] } : { devices: [{ organization, deviceId }] };
  return {
    grantee,
    provisions: [
      {
        effect: Provision_Effect.DENY,
        directions: [Direction.READ],
        categories: categories.map((name) => ({ name })),
        sources,
      },
    ],
  };
}

export interface OfferedSource extends Device {
  /** Of a device; empty where nobody has said it. */
  readonly model: string;
  /** The consent that leaves it out; undefined: it is not left out. */
  readonly leftOutBy: string | undefined;
}

/**
 * What can be left out, and is: each organization that sends something, and behind it its devices.
 *
 * @param sources of what was measured
 * @param senders who may send
 */
export function offeredSources(
  sources: readonly (Device & { readonly deviceModel: string })[],
  senders: readonly string[],
  leftOut: readonly LeftOut[],
): readonly OfferedSource[] {
  const by = new Map(leftOut.map((one) => [deviceKey(one), one.consent]));
  const models = new Map(sources.map((one) => [deviceKey(one), one.deviceModel]));
  const organizations = [...senders, ...[...sources, ...leftOut].map(({ organization }) => organization)];
  const all: Device[] = [...new Set(organizations)].map((organization) => ({ organization, deviceId: "" }));
  all.push(...[...sources, ...leftOut].filter(({ deviceId }) => deviceId !== ""));
  return [...new Map(all.map((one) => [deviceKey(one), one])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { organization, deviceId }]) => {
      return { organization, deviceId, model: models.get(key) ?? "", leftOutBy: by.get(key) };
    });
}
