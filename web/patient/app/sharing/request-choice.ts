import { clone, create } from "@bufbuild/protobuf";
import {
  Mask,
  type Provision,
  ProvisionSchema,
  SourceSelectorSchema,
} from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import type { ConsentRequest } from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { Direction, Resolution } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { msOf, timestampOf } from "../api/time.ts";

/** What the patient leaves of a request: never more than was asked for. */
export interface Choice {
  /** By the place of the provision: names of the categories that stay. */
  readonly categories: readonly ReadonlySet<string>[];
  /** By the place of the provision: how fine it may be read. */
  readonly resolutions: readonly Resolution[];
  /** By the place of the provision: whose data alone is read; undefined: as it was asked for. */
  readonly sources: readonly (string | undefined)[];
  /** By the place of the provision: what is left out beside what was not asked for. */
  readonly masks: readonly ReadonlySet<Mask>[];
  /** Days from now; undefined: as long as was asked for. */
  readonly days: number | undefined;
}

/** From fine to coarse. */
const resolutions: readonly Resolution[] = [Resolution.RAW, Resolution.HOURLY, Resolution.DAILY];

/** Everything, as it was asked for. */
export function wholeOf({ provisions }: ConsentRequest): Choice {
  return {
    categories: provisions.map(({ categories }) => new Set(categories.map(({ name }) => name))),
    resolutions: provisions.map(({ resolution }) => resolution),
    sources: provisions.map(() => undefined),
    masks: provisions.map(() => new Set()),
    days: undefined,
  };
}

/**
 * As it was asked for, and what is coarser; empty where nothing is read. Nothing coarser without the device: sums are of one device each.
 *
 * @param left what is left out beside what was not asked for
 */
export function resolutionsOf(
  { directions, resolution, masks }: Provision,
  left: ReadonlySet<Mask>,
): readonly Resolution[] {
  const finest = resolutions.indexOf(resolution);
  if (!directions.includes(Direction.READ) || finest < 0) return [];
  return left.has(Mask.DEVICE) || masks.includes(Mask.DEVICE) ? [resolution] : resolutions.slice(finest);
}

/** Whose data can be left alone, of those who send some; empty where there is nothing to choose. */
export function sourcesOf({ directions, sources }: Provision, senders: readonly string[]): readonly string[] {
  if (!directions.includes(Direction.READ)) return [];
  const { organizations = [], devices = [] } = sources ?? {};
  const asked = organizations.length + devices.length;
  if (asked === 0) return senders;
  return asked < 2 ? [] : organizations;
}

/**
 * What can be left out beside what was not asked for; empty where nothing is read. Hourly and daily data has neither notes nor performer,
 * and is told device by device.
 *
 * @param chosen how fine it may be read
 */
export function masksOf(
  { directions, resolution, masks, deIdentification }: Provision,
  chosen: Resolution,
): readonly Mask[] {
  if (!directions.includes(Direction.READ) || resolution !== Resolution.RAW || deIdentification !== 0)
    return [];
  const all = chosen === Resolution.RAW ? [Mask.DEVICE] : [];
  return [...all, Mask.NOTES, Mask.PERFORMER].filter((one) => !masks.includes(one));
}

const dayMs = 86_400_000;

/** The time of who asks: in a sandbox it may be ahead, and a request is made at it. */
function nowOf({ createTime }: ConsentRequest, trueNow: number): number {
  return createTime === undefined ? trueNow : Math.max(trueNow, msOf(createTime));
}

/** Shorter ends that make sense, in days from now. */
export function shorterDays(request: ConsentRequest, trueNow: number): readonly number[] {
  const { validity } = request;
  const now = nowOf(request, trueNow);
  const end = msOf(validity?.endTime);
  const begin = Math.max(now, msOf(validity?.startTime));
  return [7, 30, 90, 365].filter((days) => now + days * dayMs < end && now + days * dayMs > begin);
}

/**
 * What `AcceptConsentRequest` is told; undefined where nothing is left. What is as it was asked for is not named, so that a request
 * whose terms this page does not know is accepted whole or not at all.
 */
export function acceptanceOf(request: ConsentRequest, choice: Choice, trueNow: number) {
  const kept = request.provisions.flatMap((asked, at) => {
    const provision = clone(ProvisionSchema, asked);
    provision.categories = asked.categories.filter(({ name }) => choice.categories[at]!.has(name));
    provision.resolution = choice.resolutions[at]!;
    return provision.categories.length === 0
      ? []
      : readingApart(provision, choice.sources[at], choice.masks[at]!);
  });
  if (kept.length === 0) return undefined;
  const same = request.provisions.every(
    ({ categories, resolution }, at) =>
      categories.length === choice.categories[at]!.size &&
      resolution === choice.resolutions[at] &&
      choice.sources[at] === undefined &&
      choice.masks[at]!.size === 0,
  );
  const { startTime } = request.validity ?? {};
  return {
    consentRequest: request.id,
    provisions: same ? [] : kept,
    ...(choice.days !== undefined && {
      validity: {
        ...(startTime && { startTime }),
        endTime: timestampOf(nowOf(request, trueNow) + choice.days * dayMs),
      },
    }),
  };
}

/**
 * What is read is left of one sender alone, without what is masked; what may be sent, of which neither can be said, stays beside it.
 */
function readingApart(
  provision: Provision,
  source: string | undefined,
  masks: ReadonlySet<Mask>,
): readonly Provision[] {
  const narrows = source !== undefined || masks.size > 0;
  if (!narrows || !provision.directions.includes(Direction.READ)) return [provision];
  const read = clone(ProvisionSchema, provision);
  read.directions = [Direction.READ];
  if (source !== undefined) {
    const { methods = [] } = provision.sources ?? {};
    read.sources = create(SourceSelectorSchema, { organizations: [source], methods });
  }
  read.masks = [...provision.masks, ...masks];
  if (!provision.directions.includes(Direction.CONTRIBUTE)) return [read];
  const sent = clone(ProvisionSchema, provision);
  Object.assign(sent, {
    directions: [Direction.CONTRIBUTE],
    purposes: [],
    resolution: Resolution.UNSPECIFIED,
  });
  return [sent, read];
}
