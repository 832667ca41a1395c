import type { BlockRepository } from "../blocks/block-repository.ts";
import type { Run } from "../blocks/winners.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type OpenRead, type ReadingDeps, readStream } from "../gate/reading.ts";
import type { Interval } from "../model/interval.ts";
import { messages } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { seriesOf } from "./source-filter.ts";
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

/** Streams the samples of one code in bounded memory: one series after another, each by time. */
export function readSeries(
  deps: ReadSeriesDeps,
  intent: Intent,
  query: SeriesQuery,
): AsyncGenerator<ReadPayload> {
  const { code, interval, wanted } = query;
  return readStream(
    deps,
    intent,
    async (read) => {
      const codePermit = await read.codePermit(code, interval);
      checkWantedUnit(deps.terminology, code, wanted);
      return [codePermit];
    },
    (read, codePermits) => sendAll(deps, read, query, codePermits[0]!),
  );
}

async function* sendAll(
  deps: ReadSeriesDeps,
  read: OpenRead,
  query: SeriesQuery,
  opened: CodePermit,
): AsyncGenerator<ReadPayload> {
  const { partition } = read.subject;
  const { code, interval, wanted } = query;
  let codePermit = opened;
  const permitted = async () => {
    const now = await read.codePermit(code, interval);
    if (now.signature !== codePermit.signature) await read.changed([now]);
    codePermit = now;
    return codePermit.intervals;
  };
  const consents = [...new Set(opened.permits.map(({ consent }) => consent))];
  yield { kind: "start", access: read.access, consents, intervals: opened.intervals };
  for await (const { series } of seriesOf(deps, partition, query)) {
    for (const bounds of opened.intervals) {
      for await (const run of deps.blocks.winners(partition, series, bounds)) {
        for await (const { columns } of messages(run.columns, permitted)) {
          read.sent += columns.times.length;
          yield { kind: "run", run: { ...run, columns: convertColumns(columns, wanted) } };
        }
      }
    }
  }
  yield { kind: "end", samples: read.sent };
}
