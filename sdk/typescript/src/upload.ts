import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type {
  BatchReceipt,
  ObservationBatch,
  SeriesBatch,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type IngestionService,
  StreamObservationsRequestSchema,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { WellApiError } from "./errors.ts";
import type { UploadProgress } from "./progress.ts";
import { pause, waitBefore } from "./reconnection.ts";

/** What became of a batch: judged item by item, or failed whole. */
export type Answer = { readonly receipt: BatchReceipt } | { readonly failure: Failure };

export interface UploadOptions<B> {
  /** Batches that are sent and not answered yet; 16 unless given. The source is asked for no more until one is answered. */
  readonly window?: number;
  /** How often a stream is opened without an answer in between before the upload fails; 8 unless given. */
  readonly attempts?: number;
  /** Batches that it has are not sent; batches that the server stores are added. */
  readonly progress?: UploadProgress;
  /** An error of this, of `onSkipped` or of the progress ends the upload. */
  readonly onAnswer?: (batch: B, answer: Answer) => void;
  /** The progress has the batch. */
  readonly onSkipped?: (batch: B) => void;
  /** The stream ended early and is opened again. */
  readonly onCut?: (error: WellApiError, attempt: number) => void;
  /** Ends the upload with an error; what was sent may be stored. */
  readonly signal?: AbortSignal;
}

type Ingestion = Client<typeof IngestionService>;
interface Batch {
  readonly requestId: string;
}
interface Reply {
  readonly requestId: string;
  readonly result:
    | { readonly case: "receipt"; readonly value: BatchReceipt }
    | { readonly case: "failure"; readonly value: Failure }
    | { readonly case: undefined };
}
/** One stream: batches in, their answers out in any order. */
type OpenStream<B> = (batches: AsyncIterable<B>, signal: AbortSignal | undefined) => AsyncIterable<Reply>;

const backoff = { firstMs: 400, longestMs: 5_000 };

/**
 * Streams batches of series and sends what is unanswered again, on a new stream, after a cut or a failure that passes. Safe,
 * because a batch is stored once however often it is sent. Resolves when each batch has its answer.
 */
export function uploadSeries(
  client: Ingestion,
  batches: AsyncIterable<SeriesBatch>,
  options: UploadOptions<SeriesBatch> = {},
): Promise<void> {
  const open: OpenStream<SeriesBatch> = (source, signal) =>
    client.streamSeries(
      map(source, (batch) => create(StreamSeriesRequestSchema, { batch })),
      signal ? { signal } : {},
    );
  return upload(open, batches, options);
}

/** As `uploadSeries`, for batches of single observations. */
export function uploadObservations(
  client: Ingestion,
  batches: AsyncIterable<ObservationBatch>,
  options: UploadOptions<ObservationBatch> = {},
): Promise<void> {
  const open: OpenStream<ObservationBatch> = (source, signal) =>
    client.streamObservations(
      map(source, (batch) => create(StreamObservationsRequestSchema, { batch })),
      signal ? { signal } : {},
    );
  return upload(open, batches, options);
}

async function upload<B extends Batch>(
  open: OpenStream<B>,
  batches: AsyncIterable<B>,
  options: UploadOptions<B>,
): Promise<void> {
  const { window = 16, attempts = 8, progress, onAnswer, onSkipped, onCut, signal } = options;
  const source = openSource(progress === undefined ? batches : unsent(batches, progress, onSkipped));
  const unanswered = new Map<string, B>();
  let attempt = 0;
  const answered = (batch: B, answer: Answer): void => {
    attempt = 0;
    if ("receipt" in answer && answer.receipt.batch !== "") progress?.add(batch.requestId);
    onAnswer?.(batch, answer);
  };
  try {
    for (;;) {
      try {
        return await runStream({ open, source, unanswered, window, answered, signal });
      } catch (caught) {
        const broken = source.failure();
        if (broken !== undefined) throw broken.error;
        // Not a call's: one of the caller's functions has thrown, or its progress cannot be written.
        if (!(caught instanceof ConnectError)) throw caught;
        attempt += 1;
        const error = WellApiError.from(caught);
        if (signal?.aborted || !error.transient || attempt >= attempts) throw error;
        onCut?.(error, attempt);
        await pause(waitBefore(attempt, error, backoff), signal);
      }
    }
  } finally {
    source.leave();
  }
}

/** One stream: sends what is unanswered, then what the source gives. Returns when each batch has its answer. */
async function runStream<B extends Batch>(stream: {
  readonly open: OpenStream<B>;
  readonly source: Source<B>;
  readonly unanswered: Map<string, B>;
  readonly window: number;
  readonly answered: (batch: B, answer: Answer) => void;
  readonly signal: AbortSignal | undefined;
}): Promise<void> {
  const { open, source, unanswered, window, answered, signal } = stream;
  let wake: () => void = () => {};
  let failed: Failure | undefined;
  let ended = false;

  async function* requests(): AsyncGenerator<B> {
    for (const batch of [...unanswered.values()]) yield batch;
    while (!failed && !ended) {
      if (unanswered.size >= window) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const next = await source.peek();
      // What comes after the end of this stream is left to the next one.
      if (ended || next.done) return;
      source.take();
      unanswered.set(next.value.requestId, next.value);
      yield next.value;
    }
  }

  try {
    for await (const { requestId, result } of open(requests(), signal)) {
      const batch = unanswered.get(requestId);
      if (batch === undefined || result.case === undefined) continue;
      if (result.case === "failure" && result.value.retryAfterMs > 0) {
        // It stays unanswered and is sent again on the next stream, after the longest delay that the server asks for.
        if (result.value.retryAfterMs > (failed?.retryAfterMs ?? 0)) failed = result.value;
      } else {
        unanswered.delete(requestId);
        answered(batch, result.case === "receipt" ? { receipt: result.value } : { failure: result.value });
      }
      wake();
    }
    if (failed) throw WellApiError.ofFailure(failed);
    if (unanswered.size > 0 || !source.exhausted()) {
      throw new ConnectError("the stream ended before each batch had its answer", Code.Unavailable);
    }
  } finally {
    ended = true;
    wake();
  }
}

/** The source's batches, one ahead: a batch that was asked for is there for the next stream, too. */
interface Source<B> {
  peek(): Promise<IteratorResult<B, unknown>>;
  /** The batch that `peek` gave is used up. */
  take(): void;
  /** `peek` has found the end of the source. */
  exhausted(): boolean;
  /** The source itself has thrown. A stream tells of that as of a cut, and sending again does not help. */
  failure(): { readonly error: unknown } | undefined;
  /** The source may close what it holds. */
  leave(): void;
}

function openSource<B>(batches: AsyncIterable<B>): Source<B> {
  const iterator = batches[Symbol.asyncIterator]();
  let ahead: Promise<IteratorResult<B, unknown>> | undefined;
  let exhausted = false;
  let failure: { readonly error: unknown } | undefined;
  const next = async (): Promise<IteratorResult<B, unknown>> => {
    try {
      const result = await iterator.next();
      exhausted = result.done === true;
      return result;
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  return {
    peek() {
      if (ahead === undefined) {
        ahead = next();
        ahead.catch(() => {}); // where the upload has ended meanwhile, nobody else hears of it
      }
      return ahead;
    },
    exhausted: () => exhausted,
    failure: () => failure,
    take() {
      ahead = undefined;
    },
    leave() {
      iterator.return?.(undefined).catch(() => {}); // nobody waits for it any more
    },
  };
}

async function* unsent<B extends Batch>(
  batches: AsyncIterable<B>,
  progress: UploadProgress,
  onSkipped: ((batch: B) => void) | undefined,
): AsyncGenerator<B> {
  for await (const batch of batches) {
    if (!progress.has(batch.requestId)) yield batch;
    else onSkipped?.(batch);
  }
}

async function* map<T, U>(source: AsyncIterable<T>, to: (item: T) => U): AsyncGenerator<U> {
  for await (const item of source) yield to(item);
}
