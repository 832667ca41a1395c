import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { readRows } from "@wellapi/cli/csv";
import { batchesOf, type Row, uploadSeries } from "@wellapi/client";
import { ItemOutcome_Status, type SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";
import { IngestionService } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_service_pb";
import { CaptureMethod, type Granularity } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { MultiBar } from "cli-progress";
import type { Company } from "./people.ts";

/** What to send: a file of the Fitbit datasets, or a few fresh minutes. */
export type Parcel = {
  readonly patient: string;
  readonly code: string;
  readonly unit: string;
  readonly durationMs: number;
  /** Needed where there is a duration. */
  readonly granularity?: Granularity;
} & ({ readonly file: string } | { readonly minutes: number; readonly from: string });

/** What the server answered, in samples. */
export interface Contribution {
  sent: number;
  accepted: number;
  duplicate: number;
  /** Accepted samples by `patient code`. */
  readonly bySeries: Map<string, number>;
}

const data = new URL("../../test/data/fitbit/", import.meta.url);

async function* freshMinutes(minutes: number, from: string): AsyncGenerator<Row> {
  for (let i = 0; i < minutes; i++) {
    yield { timeMs: Date.parse(from) + i * 60_000, offsetMinutes: 0, mantissa: 70 + (i % 100), scale: 0 };
  }
}

async function rowsOf(parcel: Parcel): Promise<Row[]> {
  const source =
    "file" in parcel
      ? readRows(fileURLToPath(new URL(parcel.file, data)), { timeZone: "UTC" })
      : freshMinutes(parcel.minutes, parcel.from);
  return Array.fromAsync(source);
}

function samplesIn(batch: SeriesBatch): number {
  const values = batch.series[0]?.values;
  return values?.case === "decimals" ? values.value.mantissas.length : 0;
}

/** Streams the parcels, one stream each, all at once. */
export async function contribute(
  company: Company,
  bars: MultiBar | undefined,
  parcels: readonly Parcel[],
): Promise<Contribution> {
  const client = createClient(IngestionService, company.transport);
  const total: Contribution = { sent: 0, accepted: 0, duplicate: 0, bySeries: new Map() };
  const sendings = parcels.map(async (parcel) => {
    const rows = await rowsOf(parcel);
    total.sent += rows.length;
    const bar = bars?.create(rows.length, 0, { name: "file" in parcel ? parcel.file : "fresh minutes" });
    const batches = batchesOf(
      (async function* () {
        yield* rows;
      })(),
      { ...parcel, device: `demo-${parcel.patient}`, method: CaptureMethod.SENSED, samplesPerBatch: 1000 },
    );
    const key = `${parcel.patient} ${parcel.code}`;
    await uploadSeries(client, batches, {
      attempts: 5,
      onAnswer: (batch, answer) => {
        const samples = samplesIn(batch);
        bar?.increment(samples);
        const status = "receipt" in answer ? answer.receipt.items[0]?.status : undefined;
        if (status === ItemOutcome_Status.ACCEPTED) {
          total.accepted += samples;
          total.bySeries.set(key, (total.bySeries.get(key) ?? 0) + samples);
        }
        if (status === ItemOutcome_Status.DUPLICATE) total.duplicate += samples;
      },
    });
  });
  try {
    await Promise.all(sendings);
  } finally {
    bars?.stop();
  }
  return total;
}
