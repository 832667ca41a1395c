import type { Vault } from "@wellapi/vault";
import type { BlockRepository, KnownSeries } from "../blocks/block-repository.ts";
import { evenRuns } from "../blocks/even-runs.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Run } from "../blocks/winners.ts";
import type { CodePermit, ConsentPermit } from "../gate/permit.ts";
import type { Contributor } from "../model/contributor.ts";
import { clip, type Interval, intersect, type Shared, shared, subtract, unite } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import type { SeriesDescriptor } from "../model/provenance.ts";
import { contributorOf, fitsSource, type SourceFilter, seriesOf } from "./source-filter.ts";

export interface ReadableSeriesDeps {
  readonly blocks: BlockRepository;
  readonly vault: Vault;
}

/** A series as a reader sees it: a stored one, or what one sender has of devices that are not told, as one. */
export interface ReadableSeries extends KnownSeries {
  /** What may be read of it; united. */
  readonly intervals: readonly Interval[];
  /** Where its runs end must tell nothing of the series that it joins: what parts them has to be `evenRuns` again. */
  readonly joins?: true;
  /** Its shown samples that start in the interval, as `BlockRepository.winners`. */
  winners(interval: Interval): AsyncGenerator<Run>;
  /** The time of blocks that reach into the interval. */
  names(interval: Interval): Promise<readonly Interval[]>;
  /** What may be read of it by a later decision of the same signature, or of any where neither hides a device. */
  within(codePermit: CodePermit): Promise<readonly Interval[]>;
}

/** The series of a code of which samples may be read as recorded, by ascending id from `first` on. */
export async function* readableSeries(
  deps: ReadableSeriesDeps,
  partition: string,
  query: { readonly code: string; readonly sources: SourceFilter },
  codePermit: CodePermit,
  first?: string,
): AsyncGenerator<ReadableSeries> {
  const { from, named, permits } = codePermit;
  if (named !== undefined) {
    const reach: Reach = (contributor) => ({ all: from(contributor), named: named(contributor) });
    for (const one of await seriesAsTold(deps, partition, query, permits, reach)) {
      if (one.parts.length > 0 && (first === undefined || one.series >= first))
        yield readableAsTold(deps.blocks, partition, one);
    }
    return;
  }
  const { blocks, vault } = deps;
  for await (const known of seriesOf(deps, partition, query, first)) {
    const { series, descriptor } = known;
    const within = async (now: CodePermit) =>
      now.from(await contributorOf(vault, partition, now.permits, descriptor));
    const intervals = await within(codePermit);
    if (intervals.length === 0) continue;
    yield {
      ...known,
      intervals,
      within,
      winners: (interval) => blocks.winners(partition, series, interval),
      names: (interval) => blocks.names(partition, series, interval),
    };
  }
}

/** Of one contributor: what may be told, and the part of it that may be told with its device; each united. */
export type Reach = (contributor: Contributor) => {
  readonly all: readonly Interval[];
  readonly named: readonly Interval[];
};

/** A stored series that is read in a stretch of time. */
export interface Member {
  readonly series: string;
  readonly contributor: Contributor;
  /** Whether its device is told. */
  readonly named: boolean;
}

/** A series under permits that hide devices. */
export interface SeriesAsTold extends KnownSeries {
  /** Whose it is, where there is a stored series of this id. */
  readonly stored: Contributor | undefined;
  /** What is read as one, and when. Empty: no samples. */
  readonly parts: readonly Shared<Member>[];
}

/**
 * The series of a code under permits that hide devices, by ascending id. Where its device may be told, a series is told as it is. What
 * one sender has of all others, of one method and granularity, is one series, as if it had named no device for them: it has the id that such
 * a series would have, and what the sender has without a device belongs to it.
 */
export async function seriesAsTold(
  { blocks, vault }: ReadableSeriesDeps,
  partition: string,
  { code, sources }: { readonly code: string; readonly sources: SourceFilter },
  permits: readonly ConsentPermit[],
  reach: Reach,
): Promise<readonly SeriesAsTold[]> {
  const found = new Map<string, Gathered>();
  const gathered = (series: string, descriptor: SeriesDescriptor): Gathered => {
    const known = found.get(series) ?? { descriptor, stored: undefined, members: [] };
    found.set(series, known);
    return known;
  };
  for await (const { series, descriptor } of blocks.series(partition, code)) {
    const contributor = await contributorOf(vault, partition, permits, descriptor);
    const { all, named } = reach(contributor);
    const own = gathered(series, descriptor);
    own.stored = contributor;
    own.members.push({ member: { series, contributor, named: true }, intervals: named });
    const unnamed = subtract(all, named);
    if (unnamed.length === 0) continue;
    const told = { ...descriptor, device: "" };
    const id = await withBox(vault, partition, (box) =>
      isObservationSeries(series) ? box.observationSeriesId(told) : box.seriesId(told),
    );
    gathered(id, told).members.push({ member: { series, contributor, named: false }, intervals: unnamed });
  }
  const all: SeriesAsTold[] = [];
  for (const [series, { descriptor, stored, members }] of found) {
    if (!(await fitsSource(vault, partition, sources, descriptor))) continue;
    all.push({ series, descriptor, stored, parts: shared(members) });
  }
  return all.sort((a, b) => (a.series < b.series ? -1 : 1));
}

interface Gathered {
  readonly descriptor: SeriesDescriptor;
  stored: Contributor | undefined;
  readonly members: { readonly member: Member; readonly intervals: readonly Interval[] }[];
}

/** Whether samples of several series may be in it, or whose device is not told. */
export function isJoined({ descriptor }: Pick<SeriesAsTold, "descriptor">): boolean {
  return descriptor.device === "";
}

/** The shown samples of the parts that start in the interval. */
export function winnersAsTold(
  blocks: Pick<BlockRepository, "winnersTogether">,
  partition: string,
  told: Pick<SeriesAsTold, "series" | "parts">,
  interval: Interval,
): AsyncGenerator<Run> {
  async function* runs(): AsyncGenerator<Run> {
    for (const part of told.parts) {
      const series = part.members.map((one) => one.series);
      const unnamed = new Set(part.members.filter(({ named }) => !named).map((one) => one.series));
      for (const bounds of clip([part.interval], interval)) {
        yield* blocks.winnersTogether(partition, { series, unnamed }, bounds);
      }
    }
  }
  return evenRuns(runs(), isObservationSeries(told.series));
}

function readableAsTold(blocks: BlockRepository, partition: string, told: SeriesAsTold): ReadableSeries {
  const { series, descriptor, parts } = told;
  const stored = [...new Set(parts.flatMap(({ members }) => members.map((one) => one.series)))];
  return {
    series,
    descriptor,
    ...(isJoined(told) && { joins: true }),
    intervals: unite(parts.map(({ interval }) => interval)),
    winners: (interval) => winnersAsTold(blocks, partition, told, interval),
    names: async (interval) =>
      (await Promise.all(stored.map((one) => blocks.names(partition, one, interval)))).flat(),
    within: async ({ from, named = from }) =>
      unite(
        parts.flatMap(({ interval, members }) =>
          members.reduce<readonly Interval[]>(
            (left, one) => intersect(left, (one.named ? named : from)(one.contributor)),
            [interval],
          ),
        ),
      ),
  };
}

/** Whether any sample of them may be read. */
export async function hasSamples(
  readable: readonly Pick<ReadableSeries, "intervals" | "winners">[],
): Promise<boolean> {
  for (const { intervals, winners } of readable) {
    for (const interval of intervals) {
      for await (const { columns } of winners(interval)) {
        if (columns.times.length > 0) return true;
      }
    }
  }
  return false;
}
