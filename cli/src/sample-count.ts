import type { SeriesBatch } from "@wellapi/gen/wellapi/ingestion/v1/ingestion_pb";

/** How many samples an item of a batch has; 0 for one that is not there. */
export function samplesIn(series: SeriesBatch["series"][number] | undefined): number {
  const values = series?.values;
  return values?.case === "decimals" ? values.value.mantissas.length + values.value.wideMantissas.length : 0;
}
