import { timestampDate } from "@bufbuild/protobuf/wkt";
import { observationsCsv, samplesCsv } from "../../files/csv.ts";
import { observationsParquet, samplesParquet } from "../../files/parquet.ts";
import { createOutline, type Outline, summaryHtml } from "../../files/summary.ts";
import type { ZipEntry } from "../../files/zip.ts";
import { displayOf } from "../../mapping/rows-convert.ts";
import { type Entered, writtenOf } from "../search-set.ts";
import type { RecordReader } from "./record-reader.ts";

/**
 * The files of a record's archive, one after the other. The record is read once for the summary, and then anew for each file, so
 * nothing is kept but the outline, whatever the record's size.
 */
export async function* archiveOf(
  reader: RecordReader,
  patient: string,
  made: Date,
): AsyncGenerator<ZipEntry> {
  const outline = await outlineOf(reader);
  const { measured, observed, types } = outline;
  yield { path: "summary.html", content: () => [summaryHtml(outline, { patient, made })] };
  const all = new Set([...types, ...(measured.length + observed.length > 0 ? ["Observation"] : [])]);
  for (const type of [...all].sort())
    yield { path: `fhir/${type}.ndjson`, content: () => ndjson(reader.resources(type)) };
  if (measured.length > 0) {
    yield { path: "csv/samples.csv", content: () => samplesCsv(reader.samples(measured)) };
    yield { path: "parquet/samples.parquet", content: () => samplesParquet(reader.samples(measured)) };
  }
  if (observed.length > 0) {
    yield { path: "csv/observations.csv", content: () => observationsCsv(reader.observations()) };
    yield {
      path: "parquet/observations.parquet",
      content: () => observationsParquet(reader.observations()),
    };
  }
}

async function outlineOf(reader: RecordReader): Promise<Outline> {
  const outline = createOutline();
  for await (const { code, source, units, span, count } of reader.series()) {
    outline.addSeries({
      code: code?.code ?? "",
      display: displayOf(code?.code ?? "", code?.display),
      organization: source?.organization ?? "",
      device: source?.deviceModel ?? "",
      units,
      from: span?.startTime && timestampDate(span.startTime),
      to: span?.endTime && timestampDate(span.endTime),
      count: count ?? 0,
    });
  }
  for await (const { code } of reader.observations()) outline.addObservation(code, displayOf(code));
  for await (const { resource } of reader.resources()) outline.addResource(resource);
  return outline;
}

async function* ndjson(resources: AsyncIterable<Entered>): AsyncGenerator<string> {
  for await (const one of resources) yield `${writtenOf(one, "all")}\n`;
}
