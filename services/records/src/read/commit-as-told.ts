import { BLOCK_LIMITS, pickColumns, sameFormat, stackBlocks, withUsedConcepts } from "@wellapi/series";
import type { Vault } from "@wellapi/vault";
import type { Run } from "../blocks/winners.ts";
import type { CodePermit } from "../gate/permit.ts";
import type { Contributor } from "../model/contributor.ts";
import { coversTimes, type Interval, subtract } from "../model/interval.ts";
import { sourceKey, withoutDevice } from "../model/provenance.ts";
import type { Samples } from "./arrival-sources.ts";
import { contributorOf, fitsSource, type SourceFilter } from "./source-filter.ts";

/** Samples of a commit, as they are told. */
export interface ToldRun {
  readonly code: string;
  readonly run: Run;
  /** Of whom the sample at a position is. */
  readonly contributorAt: (position: number) => Contributor;
  /** Whether the device is told. */
  readonly named: boolean;
}

/** What is told of a commit. */
export interface CommitQuery {
  readonly partition: string;
  /** By MAC of the code. */
  readonly codes: ReadonlyMap<string, { readonly code: string; readonly codePermit: CodePermit }>;
  readonly sources: SourceFilter;
}

/** Of one source and code without its device. */
interface Hidden extends Pick<ToldRun, "code"> {
  readonly run: Run;
  readonly contributor: Contributor;
}

/**
 * The samples of one commit under permits that hide devices: first those whose device may be told, as they came; then all others, joined
 * by what is told of their source, so that their runs do not tell of how many devices they are, nor in which blocks they lie.
 */
export async function runsAsTold(
  vault: Vault,
  { partition, codes, sources }: CommitQuery,
  commit: readonly Samples[],
): Promise<readonly ToldRun[]> {
  const told: ToldRun[] = [];
  const hidden: Hidden[] = [];
  for (const arrival of commit) {
    const { code, codePermit } = codes.get(arrival.code)!;
    for (const run of await arrival.open()) {
      const contributor = await contributorOf(vault, partition, codePermit.permits, run.source);
      const all = codePermit.from(contributor);
      const named = codePermit.named?.(contributor) ?? all;
      if (await fitsSource(vault, partition, sources, run.source)) {
        const part = within(run, named);
        if (part !== undefined) told.push({ code, run: part, contributorAt: () => contributor, named: true });
      }
      const source = withoutDevice(run.source);
      const rest = (await fitsSource(vault, partition, sources, source))
        ? within(run, subtract(all, named))
        : undefined;
      if (rest !== undefined) hidden.push({ code, run: { ...rest, source }, contributor });
    }
  }
  return [...told, ...joined(hidden)];
}

/** The samples that start within the intervals; undefined: none. */
function within(run: Run, intervals: readonly Interval[]): Run | undefined {
  const { times } = run.columns;
  if (coversTimes(intervals, times)) return run;
  const positions = Uint32Array.from(times.keys()).filter((at) => coversTimes(intervals, [times[at]!]));
  return positions.length === 0 ? undefined : picked(run, positions);
}

function picked(run: Run, positions: Uint32Array): Run {
  const { columns, ranks } = run;
  return {
    ...run,
    columns: pickColumns(columns, positions),
    ranks: () => Float64Array.from(positions, (at) => ranks!()[at]!),
  };
}

/** By code and the time of the first sample. */
function joined(hidden: readonly Hidden[]): readonly ToldRun[] {
  const bySource = Map.groupBy(hidden, ({ code, run }) => `${code} ${sourceKey(run.source)}`);
  const runs = [...bySource.values()].flatMap(ofOneFormat).flatMap(stacked);
  const rankOf = ({ run }: ToldRun) => run.ranks!()[0]!;
  return runs.sort(
    (a, b) =>
      (a.code === b.code ? 0 : a.code < b.code ? -1 : 1) ||
      a.run.columns.times[0]! - b.run.columns.times[0]! ||
      rankOf(a) - rankOf(b),
  );
}

function ofOneFormat(parts: readonly Hidden[]): Hidden[][] {
  const formats: Hidden[][] = [];
  for (const part of parts) {
    const same = formats.find(([first]) => sameFormat(first!.run.columns, part.run.columns));
    if (same === undefined) formats.push([part]);
    else same.push(part);
  }
  return formats;
}

/** Samples that are joined at a time. Coded ones are no more than a dictionary may have concepts. */
const MOST_JOINED = 10_000;

interface Place {
  readonly part: Hidden;
  readonly position: number;
  readonly time: number;
  readonly rank: number;
}

/** As runs with ascending times: samples of one time come in several. */
function stacked(parts: readonly Hidden[]): ToldRun[] {
  const places = parts.flatMap((part): Place[] => {
    const ranks = part.run.ranks!();
    return Array.from(part.run.columns.times, (time, position) => {
      return { part, position, time, rank: ranks[position]! };
    });
  });
  places.sort((a, b) => a.time - b.time || a.rank - b.rank);
  const { source, sequence, columns } = parts[0]!.run;
  const most = columns.values.kind === "coded" ? BLOCK_LIMITS.dictionary : MOST_JOINED;
  const runs: ToldRun[] = [];
  for (let from = 0; from < places.length; from += most) {
    const chunk = Map.groupBy(places.slice(from, from + most), ({ part }) => part);
    const blocks = [...chunk].map(([{ run, contributor }, those]) => {
      const part = picked(
        run,
        Uint32Array.from(those, ({ position }) => position),
      );
      return { columns: withUsedConcepts(part.columns), ranks: part.ranks!(), contributor };
    });
    const ranks = blocks.flatMap((block) => [...block.ranks]);
    const contributors = blocks.flatMap((block) =>
      new Array<Contributor>(block.ranks.length).fill(block.contributor),
    );
    for (const layer of stackBlocks(blocks, unlimited).flat()) {
      const own = Float64Array.from(layer.origins, (at) => ranks[at]!);
      runs.push({
        code: parts[0]!.code,
        run: { source, sequence, columns: layer.columns, ranks: () => own },
        contributorAt: (position) => contributors[layer.origins[position]!]!,
        named: false,
      });
    }
  }
  return runs;
}

const unlimited = {
  samples: Number.POSITIVE_INFINITY,
  spanMs: Number.POSITIVE_INFINITY,
  reachMs: Number.POSITIVE_INFINITY,
};
