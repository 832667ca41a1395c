import { createClient } from "@connectrpc/connect";
import { DownloadFormat, ExportService } from "@wellapi/gen/wellapi/records/v1/export_service_pb";
import type { OpenRecord } from "../api/reader.ts";
import { msOf, timestampOf } from "../api/time.ts";
import { dayStart, nextDayStart } from "../data/period.ts";

/** Beside the page to read, which is in every archive. */
export const chosenFormats = [DownloadFormat.CSV, DownloadFormat.FHIR, DownloadFormat.PARQUET] as const;

/** What the reader wants to take along. */
export interface Part {
  /** Names of categories; empty: all. */
  readonly categories: ReadonlySet<string>;
  /** Days of the patient's calendar, `2026-11-27`, both within; empty: without an end. */
  readonly first: string;
  readonly last: string;
  readonly formats: ReadonlySet<DownloadFormat>;
}

/** A file that may be fetched until it ends. */
export interface ReadyDownload {
  readonly part: Part;
  readonly address: string;
  /** UTC milliseconds. */
  readonly ends: number;
}

export function isInOrder({ first, last }: Part): boolean {
  return first === "" || last === "" || first <= last;
}

/** Rejects as calls do; `confirm` where the reader has to prove once more who they are. */
export async function prepare({ patient, connection, zone }: OpenRecord, part: Part): Promise<ReadyDownload> {
  const { categories, first, last, formats } = part;
  const { download, expireTime } = await createClient(ExportService, connection.transport).prepareDownload({
    patient,
    categories: [...categories],
    ...(first === "" && last === ""
      ? {}
      : {
          interval: {
            ...(first === "" ? {} : { startTime: timestampOf(dayStart(first, zone)) }),
            ...(last === "" ? {} : { endTime: timestampOf(nextDayStart(last, zone)) }),
          },
        }),
    formats: [DownloadFormat.HTML, ...formats],
  });
  return { part, address: `/download/${patient}?prepared=${download}`, ends: msOf(expireTime) };
}
