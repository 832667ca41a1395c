import type { Clock } from "@wellapi/runtime";
import { pickColumns } from "@wellapi/series";
import type { Vault } from "@wellapi/vault";
import type { CommitHub } from "../blocks/commit-hub.ts";
import type { Head, TombstoneDocument } from "../blocks/documents.ts";
import { codeIdOf } from "../blocks/patient-box.ts";
import { type ToldRetraction, toldOf } from "../blocks/retracted-samples.ts";
import type { Run } from "../blocks/winners.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type OpenRead, readStream } from "../gate/reading.ts";
import { ALWAYS, coversTimes } from "../model/interval.ts";
import type { ArrivalRepository } from "./arrival-repository.ts";
import type { Arrival, Samples } from "./arrival-sources.ts";
import { runsAsTold } from "./commit-as-told.ts";
import { createPausable } from "./pausable.ts";
import type { ReadSeriesDeps } from "./read-series.ts";
import { messages, pieces } from "./runs.ts";
import { ANY_SOURCE, contributorOf, fitsSource, type SourceFilter } from "./source-filter.ts";
import { createPermission, type Permission } from "./watch-permission.ts";

export interface WatchSeriesDeps extends ReadSeriesDeps {
  readonly vault: Vault;
  readonly arrivals: ArrivalRepository;
  readonly hub: CommitHub;
  readonly clock: Clock;
}

/** The messages of a watch. */
export type WatchPayload =
  | { readonly kind: "start"; readonly access: string }
  | { readonly kind: "run"; readonly code: string; readonly run: Run }
  | { readonly kind: "retraction"; readonly retraction: ToldRetraction };

export interface WatchMessage {
  readonly payload: WatchPayload;
  /** The commit sequence up to which everything is delivered once this message was received. */
  readonly position: number;
}

/**
 * Commits, recalls and the end of the session wake a watch; at this interval it checks by itself whether a consent
 * ran out.
 */
const IDLE_CHECK_MS = 30_000;
/**
 * Delivers the data that arrives after `after` (absent: from now on), commit by commit, as it was sent. It holds one
 * commit at a time: with a slow reader it waits, and does not buffer.
 */
export function watchSeries(
  deps: WatchSeriesDeps,
  intent: Intent,
  sources: SourceFilter,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  return readStream(
    deps,
    intent,
    (read) => Promise.all(intent.codes.map((code) => read.codePermit(code, ALWAYS))),
    (read, codePermits) => deliver(deps, read, codePermits, sources, after, signal),
  );
}

async function* deliver(
  deps: WatchSeriesDeps,
  read: OpenRead,
  opened: readonly CodePermit[],
  sources: SourceFilter,
  after: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  const { arrivals, hub } = deps;
  const { partition } = read.subject;
  const { codes } = read.intent;
  const permission = createPermission(deps, read, opened);
  const subscription = hub.subscribe(partition);
  try {
    const reached = (await headOf(arrivals, partition))?.sequence ?? 0;
    let delivered = after ?? reached;
    // A watch would wait for ever for commits that a restored copy lacks, and would miss their replacements.
    if (delivered > reached) throw new RecordsError("INVALID_RESUME_TOKEN");
    yield { payload: { kind: "start", access: read.access }, position: delivered };
    for (let woken = true; !signal.aborted; ) {
      await permission.renew(signal);
      // No wake means no commit.
      const head = woken ? await headOf(arrivals, partition) : undefined;
      if (head !== undefined && head.sequence > delivered) {
        const codeIds = new Map<string, string>();
        for (const code of codes) {
          const id = await codeIdOf(deps.vault, partition, code);
          if (id !== undefined) codeIds.set(id, code);
        }
        const commits = createPausable(() => arrivals.between(head, delivered, new Set(codeIds.keys())));
        try {
          for (let commit = await commits.next(); commit !== undefined; commit = await commits.next()) {
            const codePermits = await permission.renew(signal);
            if (codes.some((code) => codePermits.get(code)!.named !== undefined)) {
              yield* messagesAsTold(
                deps,
                read,
                permission,
                { codeIds, codePermits, sources, commit },
                signal,
              );
            } else {
              const wanted = await fromSources(deps, partition, sources, commit);
              yield* messagesOf(deps, read, permission, codeIds, wanted, signal);
            }
            delivered = commit[0]!.sequence;
          }
        } finally {
          commits.close();
        }
        delivered = head.sequence;
      } else {
        woken = await subscription.wait(IDLE_CHECK_MS, signal);
      }
    }
  } finally {
    subscription.close();
  }
}

/** The data of one commit. Until its last message was received, a resumed watch starts before this commit. */
async function* messagesOf(
  deps: WatchSeriesDeps,
  read: OpenRead,
  permission: Permission,
  codeIds: ReadonlyMap<string, string>,
  commit: readonly Arrival[],
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  for (const arrival of commit) {
    const { sequence } = arrival;
    const payloads = isTombstone(arrival)
      ? retractionsOf(deps, permission, codeIds, arrival, signal)
      : runsOf(deps, read, permission, codeIds, arrival, signal);
    for await (const { payload, last } of payloads) {
      yield { payload, position: last && arrival === commit.at(-1) ? sequence : sequence - 1 };
    }
  }
}

/** A commit under permits that hide devices. */
interface HiddenCommit {
  readonly codeIds: ReadonlyMap<string, string>;
  readonly codePermits: ReadonlyMap<string, CodePermit>;
  readonly sources: SourceFilter;
  readonly commit: readonly Arrival[];
}

/**
 * As `messagesOf`, where devices are hidden. What was joined under other permits is not sent under these: the watch ends, and is resumed
 * with the commit.
 */
async function* messagesAsTold(
  deps: WatchSeriesDeps,
  read: OpenRead,
  permission: Permission,
  { codeIds, codePermits, sources, commit }: HiddenCommit,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  const { sequence } = commit[0]!;
  const { partition } = read.subject;
  yield* messagesOf(deps, read, permission, codeIds, commit.filter(isTombstone), signal);
  const codes = new Map(
    [...codeIds].map(([id, code]) => [id, { code, codePermit: codePermits.get(code)! }] as const),
  );
  const query = { partition, codes, sources };
  const runs = await runsAsTold(deps.vault, query, commit.filter(isSamples));
  for (const { code, run, named, contributorAt } of runs) {
    const opened = codePermits.get(code)!;
    let at = 0;
    for (const piece of pieces(run.columns)) {
      const now = (await permission.renew(signal)).get(code)!;
      if (now.signature !== opened.signature) throw new RecordsError("UNDECIDED");
      const intervalsOf = (named && now.named) || now.from;
      const first = at;
      at += piece.times.length;
      const isLast = at === run.columns.times.length && run === runs.at(-1)!.run;
      const positions = Uint32Array.from(piece.times.keys()).filter((i) =>
        coversTimes(intervalsOf(contributorAt(first + i)), [piece.times[i]!]),
      );
      if (positions.length === 0) continue;
      const columns = positions.length < piece.times.length ? pickColumns(piece, positions) : piece;
      read.sent += positions.length;
      const payload = { kind: "run", code, run: { ...run, columns } } as const;
      yield { payload, position: isLast ? sequence : sequence - 1 };
    }
  }
}

/** The part of a commit from the requested sources; a retraction does not name its source. */
async function fromSources(
  { vault }: WatchSeriesDeps,
  partition: string,
  sources: SourceFilter,
  commit: readonly Arrival[],
): Promise<readonly Arrival[]> {
  if (sources === ANY_SOURCE) return commit;
  const wanted: Arrival[] = [];
  for (const arrival of commit) {
    const fit =
      isTombstone(arrival) ||
      (await fitsSource(vault, partition, sources, (await arrival.open())[0]!.source));
    if (fit) wanted.push(arrival);
  }
  return wanted;
}

interface Payload {
  readonly payload: WatchPayload;
  /** Whether no other message of the same arrival follows. */
  readonly last: boolean;
}

async function* runsOf(
  { vault }: WatchSeriesDeps,
  read: OpenRead,
  permission: Permission,
  codeIds: ReadonlyMap<string, string>,
  arrival: Samples,
  signal: AbortSignal,
): AsyncGenerator<Payload> {
  const { partition } = read.subject;
  const code = codeIds.get(arrival.code)!;
  const runs = await arrival.open();
  for (const run of runs) {
    const permitted = async () => {
      const { from, permits } = (await permission.renew(signal)).get(code)!;
      return from(await contributorOf(vault, partition, permits, run.source));
    };
    for await (const { columns, last } of messages(run.columns, permitted)) {
      read.sent += columns.times.length;
      yield { payload: { kind: "run", code, run: { ...run, columns } }, last: last && run === runs.at(-1) };
    }
  }
}

async function* retractionsOf(
  { arrivals }: WatchSeriesDeps,
  permission: Permission,
  codeIds: ReadonlyMap<string, string>,
  arrival: TombstoneDocument,
  signal: AbortSignal,
): AsyncGenerator<Payload> {
  const samples = await arrivals.retracted(arrival);
  const visibleRetractions = async () => {
    const codePermits = await permission.renew(signal);
    const visible = [...codeIds].map(
      ([id, code]) => [id, { code, from: codePermits.get(code)!.from }] as const,
    );
    return toldOf(samples, new Map(visible));
  };
  for (let next: ToldRetraction | undefined, after = 0; ; after = next.sequence) {
    const left = (await visibleRetractions()).filter(({ sequence }) => sequence > after);
    next = left[0];
    if (next === undefined) return;
    yield { payload: { kind: "retraction", retraction: next }, last: left.length === 1 };
  }
}

/** Undefined before the first commit. */
async function headOf(arrivals: ArrivalRepository, partition: string): Promise<Head | undefined> {
  const head = await arrivals.head(partition);
  if (head?.erased) throw new RecordsError("CONSENT_REQUIRED", { logged: "ERASED" });
  return head;
}

function isSamples(arrival: Arrival): arrival is Samples {
  return !isTombstone(arrival);
}

function isTombstone(arrival: Arrival): arrival is TombstoneDocument {
  return !("open" in arrival);
}
