import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type BatchReceipt,
  ItemOutcome_Status,
  type ObservationBatch,
  ObservationBatchSchema,
  type SeriesBatch,
  SeriesBatchSchema,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import {
  type CreateFromVendorRequest,
  type CreateFromVendorResponseSchema,
  VendorNote_Kind,
} from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { type Concept, type Item, type Normalized, type Note, type Place, runsOf } from "@wellapi/normalize";
import type { Problem } from "@wellapi/rpc";
import type { Violation } from "./violation.ts";

type Kind = Place["kind"];

/** A batch of what a document measured. */
export type VendorBatch = { readonly from: number } & (
  | { readonly kind: "series"; readonly batch: SeriesBatch }
  | { readonly kind: "observations"; readonly batch: ObservationBatch }
);

/** What became of a batch: judged item by item, or refused whole because the caller may not. */
export type VendorResult = Pick<VendorBatch, "kind" | "from"> & {
  readonly size: number;
  readonly result: { readonly receipt: BatchReceipt } | { readonly denial: Problem };
};

/** A batch of series has 64, and 100,000 samples: normalizing makes no series of more than 10,000. */
const SERIES_A_BATCH = 10;
/** A night may have a thousand stages. */
const OBSERVATIONS_A_BATCH = 100;

/** The same document gives the same batches under the same names, so that sending it again repeats nothing. */
export function vendorBatches(
  { requestId, patient }: CreateFromVendorRequest,
  { series, observations }: Normalized,
): VendorBatch[] {
  const named = (kind: string, index: number) => ({ requestId: `${requestId}.${kind}${index}`, patient });
  return [
    ...chunksOf(series, SERIES_A_BATCH).map(
      ({ from, items }, index): VendorBatch => ({
        kind: "series",
        from,
        batch: create(SeriesBatchSchema, { ...named("s", index), series: items }),
      }),
    ),
    ...chunksOf(observations, OBSERVATIONS_A_BATCH).map(
      ({ from, items }, index): VendorBatch => ({
        kind: "observations",
        from,
        batch: create(ObservationBatchSchema, { ...named("o", index), observations: items }),
      }),
    ),
  ];
}

function chunksOf<T>(all: readonly T[], size: number): { readonly from: number; readonly items: T[] }[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => {
    const from = index * size;
    return { from, items: all.slice(from, from + size) };
  });
}

interface Outcome {
  readonly status: ItemOutcome_Status;
  readonly code: Concept | undefined;
  readonly violations: readonly Violation[];
  readonly observation: string;
}

export function vendorAnswer(
  requestId: string,
  { items, notes }: Normalized,
  results: readonly VendorResult[],
): MessageInitShape<typeof CreateFromVendorResponseSchema> {
  const outcomes = placedOutcomes(results);
  const measurements = items.map((item) => ({ path: item.path, outcome: outcomeOf(item, outcomes) }));
  const keyOf = ({ violations, ...outcome }: Outcome) =>
    JSON.stringify([outcome, violations.map(({ reason, description }) => [reason, description])]);
  return {
    requestId,
    batches: results.flatMap(({ result }) =>
      "receipt" in result && result.receipt.batch !== "" ? [result.receipt.batch] : [],
    ),
    items: runsOf(measurements, keyOf).map(({ path, count, outcome }) => {
      const { code, status, violations, observation } = outcome;
      const told = count === 1 ? violations : violations.map((one) => ({ ...one, field: path }));
      return {
        path,
        count,
        status,
        observation,
        ...(code !== undefined && { code }),
        violations: told.map((one) => ({ ...one })),
      };
    }),
    notes: notes.map(({ kind, path, count, reason }) => ({ kind: kinds[kind], path, count, reason })),
  };
}

const kinds: Readonly<Record<Note["kind"], VendorNote_Kind>> = {
  not_taken: VendorNote_Kind.NOT_TAKEN,
  unknown: VendorNote_Kind.UNKNOWN,
};

type Placed = Omit<Outcome, "code">;

/** By kind and position. */
function placedOutcomes(results: readonly VendorResult[]): ReadonlyMap<string, Placed> {
  return new Map(
    results.flatMap(({ kind, from, size, result }) =>
      Array.from({ length: size }, (_, index): [string, Placed] => {
        const at = placeKey(kind, from + index);
        if ("denial" in result) {
          const { reason, message: description } = result.denial;
          const violations = [{ field: "", reason, description }];
          return [at, { status: ItemOutcome_Status.REJECTED, violations, observation: "" }];
        }
        const { status, violations, observation } = result.receipt.items[index]!;
        return [at, { status, violations, observation }];
      }),
    ),
  );
}

function placeKey(kind: Kind, index: number): string {
  return `${kind} ${index}`;
}

function outcomeOf(item: Item, outcomes: ReadonlyMap<string, Placed>): Outcome {
  if ("problem" in item) {
    const { problem } = item;
    const status = ItemOutcome_Status.REJECTED;
    return { status, code: undefined, violations: [problem], observation: "" };
  }
  const { path, code, place } = item;
  const placed = outcomes.get(placeKey(place.kind, place.index))!;
  // The field of the batch means nothing to whoever sent a document.
  const violations = placed.violations.map(({ reason, description }) => ({
    field: path,
    reason,
    description,
  }));
  return { ...placed, code, violations };
}
