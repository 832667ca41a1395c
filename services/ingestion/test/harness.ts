import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  ItemOutcome_Status,
  type ObservationBatchSchema,
  type SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import {
  type AppendObservationsRequest,
  AppendObservationsResponseSchema,
  type AppendSeriesRequest,
  AppendSeriesResponseSchema,
  RecordsWriteService,
  type RecordsWriteServiceRetractBatchRequest,
} from "@wellapi/gen/wellapi/internal/records/v1/records_write_service_pb";
import { TerminologyService } from "@wellapi/gen/wellapi/terminology/v1/terminology_service_pb";
import type { SeriesSchema } from "@wellapi/gen/wellapi/type/v1/series_pb";
import { type Caller, route } from "@wellapi/rpc";
import { createTestTransport } from "@wellapi/rpc/testing";
import { type Clock, type Logger, silentLogger } from "@wellapi/runtime";
import { createTrueTimes } from "@wellapi/service";
import { shippedTerminology, type Terminology } from "@wellapi/terminology";
import { ingestionSelfValidating, openIngestionService } from "../src/index.ts";
import { NOW } from "./arbitraries.ts";

type AppendRequest = AppendSeriesRequest | AppendObservationsRequest;

const application: Caller = {
  principal: { kind: "application", id: "app_wearable", organization: "org_wearable" },
  workload: "door",
  token: "token",
};

/** Answers as records does, unless a test says otherwise for a request id. */
export function createRecords() {
  const received: AppendRequest[] = [];
  const retracted: RecordsWriteServiceRetractBatchRequest[] = [];
  const signals = new Map<string, AbortSignal>();
  const behaviours = new Map<string, () => unknown>();
  const changed: (() => void)[] = [];

  async function receiptFor(request: AppendRequest, signal: AbortSignal) {
    received.push(request);
    const { requestId } = request.batch!;
    signals.set(requestId, signal);
    for (const notify of changed.splice(0)) notify();
    await behaviours.get(requestId)?.();
    const rejected = new Map(request.rejections.map((rejection) => [rejection.index, rejection.violations]));
    const count =
      "series" in request.batch! ? request.batch.series.length : request.batch!.observations.length;
    return {
      receipt: {
        requestId,
        batch: "bat_1",
        items: Array.from({ length: count }, (_, index) => ({
          status: rejected.has(index) ? ItemOutcome_Status.REJECTED : ItemOutcome_Status.ACCEPTED,
          violations: rejected.get(index) ?? [],
        })),
      },
    };
  }

  return {
    received,
    retracted,
    signals,
    /** What happens before the batch of this id is answered; what it throws is the answer. */
    when: (requestId: string, behaviour: () => unknown) => void behaviours.set(requestId, behaviour),
    async untilReceived(count: number): Promise<void> {
      while (received.length < count) await new Promise<void>((resolve) => changed.push(resolve));
    },
    route: route(RecordsWriteService, {
      async appendSeries(request, { signal }) {
        return create(AppendSeriesResponseSchema, await receiptFor(request, signal));
      },
      async appendObservations(request, { signal }) {
        return create(AppendObservationsResponseSchema, await receiptFor(request, signal));
      },
      async retractBatch(request) {
        retracted.push(request);
        return { retractTime: timestampFromMs(NOW), items: 9 };
      },
    }),
  };
}

export type TestRecords = ReturnType<typeof createRecords>;

/** The service behind the real interceptors, in front of a route of RecordsWriteService behind the same. */
export async function openIngestion({
  log = silentLogger,
  now = () => NOW,
  terminology = shippedTerminology,
}: {
  log?: Logger;
  now?: Clock["now"];
  terminology?: Terminology;
} = {}): Promise<{
  readonly records: TestRecords;
  readonly client: Client<typeof IngestionService>;
  /** Of somebody without a credential. */
  readonly anyone: Client<typeof TerminologyService>;
  /** RPCs that were asked of records, also those that its interceptors refused. */
  readonly asked: readonly string[];
}> {
  const records = createRecords();
  const asked: string[] = [];
  const transport = createTestTransport({
    routes: [records.route],
    caller: { ...application, workload: "ingestion" },
    log: silentLogger,
  });
  const counted: Transport = {
    ...transport,
    unary: (method, ...rest) => {
      asked.push(method.name);
      return transport.unary(method, ...rest);
    },
  };
  const clock: Clock = { now, monotonic: () => 0 };
  const { routes } = await openIngestionService({
    records: counted,
    terminology,
    times: createTrueTimes(clock),
    log,
  });
  const transportOf = (caller: Caller) =>
    createTestTransport({ routes, caller, selfValidating: ingestionSelfValidating });
  return {
    records,
    client: createClient(IngestionService, transportOf(application)),
    asked,
    anyone: createClient(
      TerminologyService,
      transportOf({ principal: { kind: "anonymous", id: "" }, workload: "door", token: "" }),
    ),
  };
}

type SeriesInit = Omit<MessageInitShape<typeof SeriesSchema>, "$typeName">;

export function series(change: SeriesInit = {}): SeriesInit {
  return {
    code: { code: "8867-4" },
    unit: "/min",
    times: {
      start: { case: "startTime", value: timestampFromMs(Date.UTC(2016, 3, 12)) },
      utcOffsetMinutes: 0,
      spacing: { case: "periodMs", value: 60_000 },
    },
    values: { case: "decimals", value: { mantissas: [72, 75, 74] } },
    ...change,
  };
}

export function seriesBatch(
  requestId: string,
  change: MessageInitShape<typeof SeriesBatchSchema> = {},
): MessageInitShape<typeof SeriesBatchSchema> {
  return { requestId, patient: "pat_x", series: [series()], ...change };
}

export function observationBatch(
  requestId: string,
  change: MessageInitShape<typeof ObservationBatchSchema> = {},
): MessageInitShape<typeof ObservationBatchSchema> {
  const weight = (value: string, unit = "kg") => ({
    code: { code: "29463-7" },
    effective: {
      case: "effectiveTime" as const,
      value: timestampFromMs(Date.UTC(2016, 3, 12)),
    },
    utcOffsetMinutes: 0,
    value: { case: "quantity" as const, value: { value, unit } },
  });
  return { requestId, patient: "pat_x", observations: [weight("80.5"), weight("80.5", "m")], ...change };
}

/** A stream of series that the test writes to and reads from, a message at a time. */
export function openSeriesStream(client: Client<typeof IngestionService>, options: CallOptions = {}) {
  const waiting: MessageInitShape<typeof SeriesBatchSchema>[] = [];
  let ended = false;
  let wake = (): void => {};
  let taken = 0;
  async function* requests() {
    for (;;) {
      const batch = waiting.shift();
      if (batch !== undefined) {
        taken++;
        yield { batch };
      } else if (ended) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  const answers = client.streamSeries(requests(), options)[Symbol.asyncIterator]();
  return {
    /** How many messages the server has asked for and got. */
    taken: () => taken,
    send(...batches: MessageInitShape<typeof SeriesBatchSchema>[]): void {
      waiting.push(...batches);
      wake();
    },
    end(): void {
      ended = true;
      wake();
    },
    answers,
    /** The next answer in short: request id and reason, or `receipt`. */
    async next(): Promise<string> {
      const { done, value } = await answers.next();
      if (done === true) return "end";
      const { result } = value;
      return `${value.requestId} ${result.case === "failure" ? result.value.reason : result.case}`;
    },
  };
}
