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
import {
  type ClinicalBatch,
  ClinicalOutcome_Status,
  type ClinicalReceipt,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_pb";
import {
  type ClinicalRecordsService,
  StreamClinicalRecordsRequestSchema,
} from "@wellapi/gen/wellapi/records/v1/clinical_records_service_pb";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import { WellApiError } from "./errors.ts";
import type { UploadProgress } from "./progress.ts";
import { pause, waitBefore } from "./reconnection.ts";

/** The outcome of a batch: one for each item, or a failure of the whole batch. */
export type Answer<R = BatchReceipt> = { readonly receipt: R } | { readonly failure: Failure };

export interface UploadOptions<B, R = BatchReceipt> {
  /** Most batches without an answer; 16 unless given. At the limit the upload takes no batch from the source. */
  readonly window?: number;
  /** Streams in a row without any answer, after which the upload fails; 8 unless given. */
  readonly attempts?: number;
  /** The upload skips its batches, and adds each batch that the server stores. */
  readonly progress?: UploadProgress;
  /** An error of this function, of `onSkipped` or of the progress ends the upload. */
  readonly onAnswer?: (batch: B, answer: Answer<R>) => void;
  /** Called for a batch that the progress already has. */
  readonly onSkipped?: (batch: B) => void;
  /** Called when the stream has ended early and is about to be opened again. */
  readonly onCut?: (error: WellApiError, attempt: number) => void;
  /** Ends the upload with an error; sent batches may be stored. */
  readonly signal?: AbortSignal;
}

type Ingestion = Client<typeof IngestionService>;
interface Batch {
  readonly requestId: string;
}
interface Reply<R> {
  readonly requestId: string;
  readonly result:
    | { readonly case: "receipt"; readonly value: R }
    | { readonly case: "failure"; readonly value: Failure }
    | { readonly case: undefined };
}
/** One stream: batches in, their answers out in any order. */
type OpenStream<B, R> = (
  batches: AsyncIterable<B>,
  signal: AbortSignal | undefined,
) => AsyncIterable<Reply<R>>;

const backoff = { firstMs: 400, longestMs: 5_000 };

/**
 * Streams batches of series. After a cut or a temporary failure it sends the unanswered batches again, on a new stream.
 * This is safe: a batch that is sent several times is stored once. Resolves when each batch has its answer.
 */
export function uploadSeries(
  client: Ingestion,
  batches: AsyncIterable<SeriesBatch>,
  options: UploadOptions<SeriesBatch> = {},
): Promise<void> {
  const open: OpenStream<SeriesBatch, BatchReceipt> = (source, signal) =>
    client.streamSeries(
      map(source, (batch) => create(StreamSeriesRequestSchema, { batch })),
      signal ? { signal } : {},
    );
  return upload(open, batches, options, hasStored);
}

/** As `uploadSeries`, for batches of single observations. */
export function uploadObservations(
  client: Ingestion,
  batches: AsyncIterable<ObservationBatch>,
  options: UploadOptions<ObservationBatch> = {},
): Promise<void> {
  const open: OpenStream<ObservationBatch, BatchReceipt> = (source, signal) =>
    client.streamObservations(
      map(source, (batch) => create(StreamObservationsRequestSchema, { batch })),
      signal ? { signal } : {},
    );
  return upload(open, batches, options, hasStored);
}

function hasStored({ batch }: BatchReceipt): boolean {
  return batch !== "";
}

/**
 * As `uploadSeries`, for batches of clinical records. A batch counts as stored once none of its items was rejected: what was
 * rejected is judged afresh when it is sent again.
 */
export function uploadClinicalRecords(
  client: Client<typeof ClinicalRecordsService>,
  batches: AsyncIterable<ClinicalBatch>,
  options: UploadOptions<ClinicalBatch, ClinicalReceipt> = {},
): Promise<void> {
  const open: OpenStream<ClinicalBatch, ClinicalReceipt> = (source, signal) =>
    client.streamClinicalRecords(
      map(source, (batch) => create(StreamClinicalRecordsRequestSchema, { batch })),
      signal ? { signal } : {},
    );
  const { REJECTED } = ClinicalOutcome_Status;
  return upload(open, batches, options, ({ outcomes }) =>
    outcomes.every(({ status }) => status !== REJECTED),
  );
}

async function upload<B extends Batch, R>(
  open: OpenStream<B, R>,
  batches: AsyncIterable<B>,
  options: UploadOptions<B, R>,
  isStored: (receipt: R) => boolean,
): Promise<void> {
  const { window = 16, attempts = 8, progress, onAnswer, onSkipped, onCut, signal } = options;
  const source = openSource(progress === undefined ? batches : unsent(batches, progress, onSkipped));
  const unanswered = new Map<string, B>();
  let attempt = 0;
  const answered = (batch: B, answer: Answer<R>): void => {
    attempt = 0;
    if ("receipt" in answer && isStored(answer.receipt)) progress?.add(batch.requestId);
    onAnswer?.(batch, answer);
  };
  try {
    for (;;) {
      try {
        return await runStream({ open, source, unanswered, window, answered, signal });
      } catch (caught) {
        const broken = source.failure();
        if (broken !== undefined) throw broken.error;
        // Not an error of a call: a function of the caller has thrown, or the progress cannot be written.
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

/** One stream: sends the unanswered batches, then those of the source. Returns when each batch has its answer. */
async function runStream<B extends Batch, R>(stream: {
  readonly open: OpenStream<B, R>;
  readonly source: Source<B>;
  readonly unanswered: Map<string, B>;
  readonly window: number;
  readonly answered: (batch: B, answer: Answer<R>) => void;
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
      // Batches after the end of this stream are for the next one.
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
        // It stays unanswered and is sent again on the next stream, after the longest delay that the server requests.
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

/** Reads the source one batch ahead: a batch that one stream has requested stays available to the next. */
interface Source<B> {
  peek(): Promise<IteratorResult<B, unknown>>;
  /** Drops the batch that `peek` returned. */
  take(): void;
  /** `peek` has found the end of the source. */
  exhausted(): boolean;
  /** The source has thrown. A stream would report this as a cut, and a retry would not help. */
  failure(): { readonly error: unknown } | undefined;
  /** Lets the source close its resources. */
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
        ahead.catch(() => {}); // after the end of the upload nothing else handles it
      }
      return ahead;
    },
    exhausted: () => exhausted,
    failure: () => failure,
    take() {
      ahead = undefined;
    },
    leave() {
      iterator.return?.(undefined).catch(() => {}); // nothing waits for it
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
