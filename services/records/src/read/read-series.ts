import { setImmediate } from "node:timers/promises";
import { viewOf } from "@wellapi/series";
import type { BlockRepository } from "../blocks/block-repository.ts";
import type { Run } from "../blocks/winners.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type OpenRead, type ReadingDeps, readStream } from "../gate/reading.ts";
import { tenantOf } from "../gate/subject.ts";
import type { Interval } from "../model/interval.ts";
import { isObservationSeries } from "../model/observation-series-id.ts";
import { createPausable, type Pausable } from "./pausable.ts";
import { type ReadableSeries, readableSeries } from "./readable-series.ts";
import { messages } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { checkWantedUnit, convertColumns } from "./unit-conversion.ts";

export interface ReadSeriesDeps extends ReadingDeps {
  readonly blocks: BlockRepository;
}

/** The parts of a read's stream. */
export type ReadPayload =
  | {
      readonly kind: "start";
      readonly access: string;
      readonly consents: readonly string[];
      readonly intervals: readonly Interval[];
    }
  | { readonly kind: "run"; readonly run: Run }
  | { readonly kind: "end"; readonly samples: number };

/**
 * Streams the samples of one code in bounded memory: one series after another, each by time. `present` makes a message
 * of a part: while a reader takes it, nothing else is held of the part.
 */
export function readSeries<T>(
  deps: ReadSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
  signal: AbortSignal,
  present: (payload: ReadPayload) => Promise<T>,
): AsyncGenerator<T> {
  const { code, interval, wanted } = query;
  return readStream(
    deps,
    intent,
    async (read) => {
      const codePermit = await read.codePermit(code, interval);
      checkWantedUnit(deps.terminology, code, wanted);
      return [codePermit];
    },
    (read, codePermits) => sendAll(deps, { read, opened: codePermits[0]!, query, signal, present }),
  );
}

interface Sending<T> {
  readonly read: OpenRead;
  readonly opened: CodePermit;
  readonly query: SeriesQuery;
  readonly signal: AbortSignal;
  readonly present: (payload: ReadPayload) => Promise<T>;
}

async function* sendAll<T>(
  deps: ReadSeriesDeps,
  { read, opened, query, signal, present }: Sending<T>,
): AsyncGenerator<T> {
  const { partition } = read.subject;
  const { code, interval, wanted } = query;
  const tenant = tenantOf(read.intent.caller);
  let codePermit = opened;
  const permitted = async () => {
    const now = await read.codePermit(code, interval);
    if (now.signature !== codePermit.signature) {
      // Series that are told as one cannot go on as several, nor the other way round: it has to be asked for again.
      if (now.named !== undefined || codePermit.named !== undefined) throw new RecordsError("UNDECIDED");
      await read.changed([now]);
    }
    codePermit = now;
    return codePermit;
  };
  const consents = [...new Set(opened.permits.map(({ consent }) => consent))];
  yield await present({ kind: "start", access: read.access, consents, intervals: opened.intervals });
  for await (const one of readableSeries(deps, partition, query, opened)) {
    const still = async () => one.within(await permitted());
    for (const bounds of one.intervals) {
      const parts = partsOf(one, bounds, still);
      const make = async (): Promise<T | undefined> => {
        // A connection that takes all at once would keep other calls, and the session with consent, waiting for a run.
        await setImmediate();
        // Its reader has left while it waited for its turn: nothing is opened for nobody. The read is returned at its next part.
        const run = signal.aborted ? undefined : await parts.next();
        if (run === undefined) return undefined;
        read.sent += run.columns.times.length;
        return present({ kind: "run", run: { ...run, columns: convertColumns(run.columns, wanted) } });
      };
      // A part is made at its tenant's turn; while its reader takes it, it holds no place.
      const next = () => deps.share.run(tenant, make);
      try {
        for (let part = await next(); part !== undefined; part = await next()) yield part;
      } finally {
        parts.close();
      }
    }
  }
  yield await present({ kind: "end", samples: read.sent });
}

/** The permitted samples of a series within the bounds, in runs of one message each. */
function partsOf(
  { series, winners }: Pick<ReadableSeries, "series" | "winners">,
  bounds: Interval,
  permitted: () => Promise<readonly Interval[]>,
): Pausable<Run> {
  let { from } = bounds;
  /** Of observations, which may share a time: the rank of the last that was sent, at the time `from`. */
  let sent: number | undefined;
  return createPausable(async function* () {
    for await (const found of winners({ from, to: bounds.to })) {
      const run = sent === undefined ? found : after(found, from, sent);
      if (run === undefined) continue;
      for await (const { columns } of messages(run.columns, permitted)) {
        const last = columns.times.at(-1)!;
        if (isObservationSeries(series)) {
          from = last;
          sent = run.ranks!()[run.columns.times.lastIndexOf(last)]!;
        } else {
          from = last + 1;
        }
        yield { ...run, columns };
      }
    }
  });
}

/** The run without its observation at this time, if that was sent before: it has no higher rank. */
function after(run: Run, time: number, sent: number): Run | undefined {
  const { columns, ranks } = run;
  if (columns.times[0] !== time || ranks!()[0]! > sent) return run;
  if (columns.times.length === 1) return undefined;
  const rest = viewOf(columns, 1, columns.times.length);
  return { ...run, columns: rest, ranks: () => ranks!().subarray(1) };
}
