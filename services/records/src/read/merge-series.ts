import type { DevicePriorityRepository } from "../blocks/device-priority-repository.ts";
import { withBox } from "../blocks/patient-box.ts";
import type { Run } from "../blocks/winners.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { readOnce } from "../gate/reading.ts";
import { placeIn } from "../model/device-priority.ts";
import { clip } from "../model/interval.ts";
import {
  type Candidate,
  compareCandidates,
  isMergeable,
  type MergeReason,
  MINUTE_MS,
  minuteOf,
  reasonFor,
} from "../model/merge-rule.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import type { Source } from "../model/provenance.ts";
import { createMergedLine, type MergedLine, type Stretch } from "./merged-line.ts";
import { createPage, withoutReturned } from "./query-series.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { hasSamples, type ReadableSeries, readableSeries } from "./readable-series.ts";
import { bytesOfConsents, bytesOfHead } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { checkWantedUnit, convertColumns } from "./unit-conversion.ts";

export interface MergeSeriesDeps extends ReadSeriesDeps {
  readonly priorities: Pick<DevicePriorityRepository, "load">;
}

/** Sources that a stretch names as passed over. */
const MOST_NAMED = 32;
/** A source's size in a JSON message, with its ids, model and field names. */
const BYTES_A_SOURCE = 700;

/**
 * Where a page begins: with a minute, or within one that is of a series already, whatever came since.
 * Times are UTC milliseconds.
 */
export interface MergePosition {
  readonly time: number;
  readonly series?: string;
  /** Of observations, which may share a time: from this rank on. */
  readonly rank?: number;
}

/** Samples of consecutive minutes from one source, and why from there. */
export interface MergedStretch {
  readonly run: Run;
  readonly reason: MergeReason;
  readonly passedOver: ReadonlyArray<{ readonly source: Source; readonly minutes: number }>;
}

/** Why there is no line. */
export type Nothing = "no_samples" | "only_coarse" | "coded";

export interface MergedPage {
  readonly stretches: readonly MergedStretch[];
  readonly next: MergePosition | undefined;
  readonly nothing: Nothing | undefined;
  readonly access: string;
}

/** A page of one line of a code: up to `size` samples from `position` on, of one series for each minute. */
export function mergeSeries(
  deps: MergeSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
  size: number,
  position: MergePosition | undefined,
): Promise<MergedPage> {
  const { code, interval, wanted } = query;
  return readOnce(deps, intent, async (read) => {
    const codePermit = await read.codePermit(code, interval);
    const { permits } = codePermit;
    checkWantedUnit(deps.terminology, code, wanted);
    const line = await lineOf(deps, { partition: read.subject.partition, query, codePermit, size, position });
    const stretches = line.stretches.map(({ run, ...why }) => {
      return { ...why, run: { ...run, columns: convertColumns(run.columns, wanted) } };
    });
    return {
      items: stretches.reduce((sum, { run }) => sum + run.columns.times.length, 0),
      fineness: "raw",
      permits,
      answer: (access) => ({ ...line, stretches, access }),
    };
  });
}

/** What to merge of whom. */
interface Question {
  readonly partition: string;
  readonly query: SeriesQuery;
  readonly codePermit: CodePermit;
  readonly size: number;
  readonly position: MergePosition | undefined;
}

async function lineOf(
  deps: MergeSeriesDeps,
  question: Question,
): Promise<Pick<MergedPage, "stretches" | "next" | "nothing">> {
  const { query, codePermit, size, position } = question;
  if (deps.terminology.findAnyCode(query.code)?.kind === "coded") {
    return { stretches: [], next: undefined, nothing: "coded" };
  }
  const { fine, coarse } = await candidatesOf(deps, question);
  const last = codePermit.intervals.at(-1)?.to ?? Number.NEGATIVE_INFINITY;
  const line = createMergedLine(size, last);
  await readInto(line, fine, question);
  const page = pageOf(line, fine, question);
  if (page.stretches.length > 0 || position !== undefined) {
    const next = page.rest ?? (line.end < last ? { time: line.end } : undefined);
    return { stretches: page.stretches, next, nothing: undefined };
  }
  const visible = await hasSamples(coarse);
  return { stretches: [], next: undefined, nothing: visible ? "only_coarse" : "no_samples" };
}

type Readable = Pick<ReadableSeries, "series" | "intervals" | "winners">;

interface ReadableCandidate extends Candidate, Readable {}

/** The series of the code that may be merged, in the order of the rule, and those that may not. */
async function candidatesOf(deps: MergeSeriesDeps, { partition, query, codePermit }: Question) {
  const { priority } = await deps.priorities.load(partition);
  const fine: ReadableCandidate[] = [];
  const coarse: Readable[] = [];
  for await (const one of readableSeries(deps, partition, query, codePermit)) {
    const { series, descriptor, intervals, winners } = one;
    const { organization, granularity } = descriptor;
    if (!isMergeable(granularity)) {
      coarse.push(one);
      continue;
    }
    const device = await withBox(deps.vault, partition, (box) => {
      return box.deviceId(organization, descriptor.device) ?? "";
    });
    const place = placeIn(priority, { organization, device });
    fine.push({ series, intervals, winners, granularity, place });
  }
  return { fine: fine.sort(compareCandidates), coarse };
}

/** One series after another, so that only one is open at a time. */
async function readInto(
  line: MergedLine,
  candidates: readonly ReadableCandidate[],
  { position }: Question,
): Promise<void> {
  const from = position === undefined ? Number.NEGATIVE_INFINITY : minuteOf(position.time) * MINUTE_MS;
  if (position?.series !== undefined) {
    const choice = candidates.findIndex(({ series }) => series === position.series);
    line.reserve(minuteOf(position.time), choice < 0 ? undefined : choice);
  }
  for (const [choice, { series, intervals, winners }] of candidates.entries()) {
    const resumed = position?.series === series ? { ...position, series } : undefined;
    const first = resumed?.time ?? from;
    let wanted = true;
    for (const interval of clip(intervals, { from: first, to: line.end })) {
      for await (const run of winners(interval)) {
        const shown = withoutReturned(run, resumed);
        wanted = shown.columns.times.length === 0 || line.add(choice, shown);
        if (!wanted) break;
      }
      if (!wanted) break;
    }
    line.settle();
  }
}

function pageOf(
  line: MergedLine,
  candidates: readonly Candidate[],
  { size, codePermit }: Pick<Question, "size" | "codePermit">,
) {
  const consents = bytesOfConsents(codePermit.permits);
  const namedOf = (stretch: Stretch) => line.losers(stretch).slice(0, MOST_NAMED);
  const page = createPage<Stretch>(size, (stretch) => {
    return bytesOfHead(stretch) + consents + (BYTES_A_SOURCE + consents) * namedOf(stretch).length;
  });
  let rest: MergePosition | undefined;
  for (const stretch of line.stretches()) {
    const left = page.add(stretch);
    if (left === undefined) continue;
    rest = positionAt(candidates[stretch.choice]!.series, left, page.runs.at(-1));
    break;
  }
  const stretches = page.runs.map((stretch): MergedStretch => {
    const named = namedOf(stretch);
    const [next] = named.map(({ choice }) => candidates[choice]!);
    return {
      run: stretch,
      reason: reasonFor(candidates[stretch.choice]!, next),
      passedOver: named.map(({ source, minutes }) => ({ source, minutes })),
    };
  });
  return { stretches, rest };
}

/** Where the next page begins. Within a minute of which this page has told a part, it keeps to the minute's series. */
function positionAt(series: string, { columns, ranks }: Stretch, told: Stretch | undefined): MergePosition {
  const time = columns.times[0]!;
  const minute = minuteOf(time);
  if (told === undefined || minuteOf(told.columns.times.at(-1)!) !== minute)
    return { time: minute * MINUTE_MS };
  return { time, series, ...(isObservationSeries(series) && { rank: ranks!()[0]! }) };
}
