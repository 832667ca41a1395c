import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  type PreviewedAmount,
  type PreviewedKind,
  type PreviewedRecords,
  type PreviewReadsRequestSchema,
  PreviewService,
} from "@wellapi/gen/wellapi/records/v1/preview_service_pb";
import type { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { OpenRecord } from "../api/reader.ts";
import { msOf } from "../api/time.ts";

/** What is looked at, as `PreviewReads` takes it. */
export type PreviewView = NonNullable<MessageInitShape<typeof PreviewReadsRequestSchema>["view"]>;

export interface Preview {
  readonly kinds: readonly PreviewedKind[];
  readonly records: readonly PreviewedRecords[];
  /** UTC milliseconds: as of when it was decided. */
  readonly at: number;
  readonly hasMore: boolean;
}

/** More kinds than there are. */
const pageSize = 200;
const mostPages = 20;

export async function previewOf(
  { connection, patient }: OpenRecord,
  view: PreviewView,
  purpose: Purpose,
  signal: AbortSignal,
): Promise<Preview> {
  const client = createClient(PreviewService, connection.transport);
  const kinds: PreviewedKind[] = [];
  const records: PreviewedRecords[] = [];
  let [pageToken, at] = ["", 0];
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await client.previewReads({ patient, view, purpose, pageSize, pageToken }, { signal });
    kinds.push(...answer.kinds);
    records.push(...answer.records);
    at = msOf(answer.decisionTime);
    pageToken = answer.nextPageToken;
    if (pageToken === "") break;
  }
  return { kinds, records, at, hasMore: pageToken !== "" };
}

/** Values, or of a kind without any the observations. */
export function countOf(amount: PreviewedAmount | undefined): number {
  return Number((amount?.values || amount?.observations) ?? 0n);
}

/** Whether anything of it is seen, as it was recorded or in sums. */
export function isSeen({ seen, sums }: PreviewedKind): boolean {
  return seen !== undefined || sums.length > 0;
}

/** How many single values are not seen. */
export function keptOf({ held, seen }: PreviewedKind): number {
  return Math.max(0, countOf(held) - countOf(seen));
}
