import { DownloadFormat } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import { observationsCsv, samplesCsv } from "../../files/csv.ts";
import { observationsParquet, samplesParquet } from "../../files/parquet.ts";
import { createOutline, type Outline, type OutlinedPart, summaryHtml } from "../../files/summary.ts";
import type { ZipEntry } from "../../files/zip.ts";
import { displayOf } from "../../mapping/rows-convert.ts";
import { type Entered, writtenOf } from "../search-set.ts";
import type { MeasuredCode, RecordReader } from "./record-reader.ts";

/** What an archive is made of. */
export interface ArchiveTerms {
  readonly patient: string;
  readonly made: Date;
  /** As the page says it; undefined: the whole record. */
  readonly part: OutlinedPart | undefined;
  /** Empty: all. The page is in every archive. */
  readonly formats: readonly DownloadFormat[];
}

/**
 * The files of a record's archive, one after the other. The record is read once for the summary, and then anew for each file, so
 * nothing is kept but the outline, whatever the record's size.
 */
export async function* archiveOf(reader: RecordReader, terms: ArchiveTerms): AsyncGenerator<ZipEntry> {
  const { outline, measured } = await outlineOf(reader);
  const { observed } = outline;
  const has = (format: DownloadFormat) => terms.formats.length === 0 || terms.formats.includes(format);
  const csv = has(DownloadFormat.CSV);
  const fhir = has(DownloadFormat.FHIR);
  const parquet = has(DownloadFormat.PARQUET);
  yield {
    path: "summary.html",
    content: () => [summaryHtml(outline, { ...terms, files: { csv, fhir, parquet } })],
  };
  if (fhir) {
    for (const type of typesOf(outline))
      yield { path: `fhir/${type}.ndjson`, content: () => ndjson(reader.resources(type)) };
  }
  if (measured.length > 0) {
    if (csv) yield { path: "csv/samples.csv", content: () => samplesCsv(reader.samples(measured)) };
    if (parquet)
      yield { path: "parquet/samples.parquet", content: () => samplesParquet(reader.samples(measured)) };
  }
  if (observed.length > 0) {
    if (csv) yield { path: "csv/observations.csv", content: () => observationsCsv(reader.observations()) };
    if (parquet)
      yield {
        path: "parquet/observations.parquet",
        content: () => observationsParquet(reader.observations()),
      };
  }
}

/** Measurements are told as Observations, too. */
function typesOf({ types, measured, observed }: Outline): readonly string[] {
  const all = new Set([...types, ...(measured.length + observed.length > 0 ? ["Observation"] : [])]);
  return [...all].sort();
}

/** `measured`: by code. */
async function outlineOf(
  reader: RecordReader,
): Promise<{ readonly outline: Outline; readonly measured: readonly MeasuredCode[] }> {
  const outline = createOutline();
  const codings = new Map<string, MeasuredCode>();
  for await (const { coding, outlined } of reader.series()) {
    codings.set(coding.code, coding);
    outline.addSeries(outlined);
  }
  for await (const { code } of reader.observations()) outline.addObservation(code, displayOf(code));
  for await (const { resource } of reader.resources()) outline.addResource(resource);
  return { outline, measured: outline.measured.map((code) => codings.get(code)!) };
}

async function* ndjson(resources: AsyncIterable<Entered>): AsyncGenerator<string> {
  for await (const one of resources) yield `${writtenOf(one, "all")}\n`;
}
