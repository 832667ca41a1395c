import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { SampleOrder, SampleOrigin, type SourcedSeries } from "@wellapi/gen/wellapi/records/v1/records_pb";
import type { LogicalId } from "../../mapping/logical-id.ts";
import { observationOf, spanOf } from "../../mapping/observation-convert.ts";
import { seriesObservationsOf } from "../../mapping/series-convert.ts";
import { startOfSeriesRecord } from "../../mapping/series-id.ts";
import { calling, type Exchange } from "../exchange.ts";
import { isDenial, reasonOf } from "../outcome.ts";
import { dayMs, dayOf } from "./series-source.ts";
import { type Found, idOf } from "./source.ts";

/** Whether the record is an observation or samples, and not a clinical record. */
export function isMeasurement({ record }: LogicalId): boolean {
  return /^(obs|ser)_/.test(record);
}

/** A measurement by its id; undefined where there is none, or none that the caller may see. */
export function readMeasurement(exchange: Exchange, id: LogicalId): Promise<Found | undefined> {
  return id.record.startsWith("obs_") ? readSingle(exchange, id) : readSamples(exchange, id);
}

async function readSingle(exchange: Exchange, { patient, record }: LogicalId): Promise<Found | undefined> {
  const { measurements, purpose, base } = exchange;
  const asked = { patient, purpose, observation: record };
  const answer = await measurements.getObservation(asked, calling).catch(async (error: unknown) => {
    if (reasonOf(error) === "NOT_FOUND") return undefined;
    if (!isDenial(error)) throw error;
    await refuseStrangers(exchange, patient);
    return undefined;
  });
  const one = answer?.observation;
  return one === undefined ? undefined : { ...spanOf(one), resource: observationOf({ patient, base }, one) };
}

/** Who may read something of the patient is told that it is not there: else the refusal would say that it is. */
export async function refuseStrangers({ measurements, purpose }: Exchange, patient: string): Promise<void> {
  const [startTime, endTime] = [timestampFromMs(0), timestampFromMs(1)];
  await measurements.listObservations(
    { patient, purpose, interval: { startTime, endTime }, pageSize: 1 },
    calling,
  );
}

/** The id says on which day to look. The day is read whole, because the others of its samples decide what the Observation holds. */
async function readSamples(exchange: Exchange, id: LogicalId): Promise<Found | undefined> {
  const { measurements, purpose, base } = exchange;
  const { patient, record } = id;
  const start = startOfSeriesRecord(record);
  if (start === undefined) return undefined;
  const day = dayOf(start) * dayMs;
  const series: SourcedSeries[] = [];
  let pageToken = "";
  do {
    const page = await measurements.querySeries(
      {
        patient,
        purpose,
        interval: { startTime: timestampFromMs(day), endTime: timestampFromMs(day + dayMs) },
        order: SampleOrder.OLDEST_DAY,
        origin: SampleOrigin.SERIES,
        pageSize: 10_000,
        pageToken,
      },
      calling,
    );
    series.push(...page.series);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  const wanted = `.${record.replaceAll("_", "-")}`;
  return seriesObservationsOf({ patient, base }, series).find((one) => idOf(one).endsWith(wanted));
}
