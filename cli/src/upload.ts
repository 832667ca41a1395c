import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { BatchReceipt, SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type IngestionService,
  type StreamSeriesRequest,
  StreamSeriesRequestSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import type { Failure } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";

/** What became of a batch: judged, or failed whole. */
export type Answer = { readonly receipt: BatchReceipt } | { readonly failure: Failure };

export interface UploadOptions {
  /** Batches in flight. */
  readonly window: number;
  /** How often a cut stream is opened again without an answer in between. */
  readonly attempts: number;
  readonly onAnswer: (batch: SeriesBatch, answer: Answer) => void;
  readonly onCut: (error: unknown, attempt: number) => void;
  readonly signal?: AbortSignal;
}

const passing = new Set<Code>([
  Code.Unavailable,
  // So Connect's client calls the end of a server that was killed; a caller who cancels has its signal aborted.
  Code.Canceled,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
]);

/**
 * Streams batches and sends what is unanswered again, on a new stream, after a cut or a passing failure.
 * Safe, because a batch is stored once however often it is sent. Resolves when each has its answer.
 */
export async function upload(
  client: Client<typeof IngestionService>,
  batches: AsyncIterator<SeriesBatch>,
  options: UploadOptions,
): Promise<void> {
  let unanswered = new Map<string, SeriesBatch>();
  let exhausted = false;
  let attempt = 0;
  /** What the source was asked for; a stream that is cut meanwhile leaves it to the next one. */
  let coming: Promise<IteratorResult<SeriesBatch>> | undefined;

  for (;;) {
    const resend = [...unanswered.values()];
    unanswered = new Map(resend.map((batch) => [batch.requestId, batch]));
    let wake: () => void = () => {};
    const changed = () => new Promise<void>((resolve) => (wake = resolve));
    let failed: Failure | undefined;
    let cut = false;

    async function* requests(): AsyncGenerator<StreamSeriesRequest> {
      for (const batch of resend) yield create(StreamSeriesRequestSchema, { batch });
      while (!exhausted && !failed && !cut) {
        if (unanswered.size >= options.window) {
          await changed();
          continue;
        }
        coming ??= batches.next();
        const next = await coming;
        if (cut) return;
        coming = undefined;
        if (next.done) {
          exhausted = true;
          break;
        }
        unanswered.set(next.value.requestId, next.value);
        yield create(StreamSeriesRequestSchema, { batch: next.value });
      }
    }

    try {
      const stream = client.streamSeries(requests(), options.signal ? { signal: options.signal } : {});
      for await (const { requestId, result } of stream) {
        const batch = unanswered.get(requestId);
        if (!batch) continue;
        if (result.case === "failure" && result.value.retryAfterMs > 0) {
          // It stays unanswered and is sent again with the next stream.
          failed = result.value;
          wake();
          continue;
        }
        unanswered.delete(requestId);
        attempt = 0;
        if (result.case === "receipt") options.onAnswer(batch, { receipt: result.value });
        if (result.case === "failure") options.onAnswer(batch, { failure: result.value });
        wake();
      }
      if (exhausted && unanswered.size === 0) return;
      if (failed) throw new ConnectError(failed.message, failed.code);
      throw new ConnectError("the stream ended before each batch had its answer", Code.Unavailable);
    } catch (error) {
      cut = true;
      wake();
      attempt += 1;
      const code = ConnectError.from(error).code;
      if (options.signal?.aborted || !passing.has(code) || attempt >= options.attempts) throw error;
      options.onCut(error, attempt);
      await new Promise((resolve) => setTimeout(resolve, Math.min(5_000, 200 * 2 ** attempt)));
    }
  }
}
