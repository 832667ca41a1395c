import { type ClinicalPage, findClinicalRecords } from "../clinical/clinical-read.ts";
import type { RecordPosition } from "../clinical/record-scan.ts";
import type { ShownRecord } from "../clinical/shown-record.ts";
import { unlessLeftOut } from "../gate/left-out.ts";
import type { PreviewRead } from "../gate/preview-reading.ts";
import type { Read } from "../gate/reading.ts";
import { foundPages } from "./found-pages.ts";
import type { PreviewDeps, PreviewedRecords } from "./preview.ts";

const SHOWN = 3;
const RECORDS_A_PAGE = 1_000;
/** The newest so many are counted. */
const MOST_COUNTED = 10_000;

const everything = {
  types: new Set<string>(),
  categories: new Set<string>(),
  codes: [],
  resourceCategories: [],
  statuses: new Set<string>(),
  identifiers: [],
  interval: undefined,
  updated: undefined,
  records: undefined,
  referringTo: undefined,
  organizations: new Set<string>(),
  order: { by: "time", descending: true },
} as const;

interface Counted {
  count: number;
  readonly first: ShownRecord[];
}

/** What is seen of clinical records, by type in the order of their names. */
export async function previewRecords(
  deps: PreviewDeps,
  read: PreviewRead,
): Promise<readonly PreviewedRecords[]> {
  const held = await countedOf(deps, read.own);
  if (held.size === 0) return [];
  const seen = await countedOf(deps, (await read.foresee()).theirs);
  return [...held]
    .map(([type, { count }]) => {
      const { count: theirs = 0, first = [] } = seen.get(type) ?? {};
      return { type, held: count, seen: theirs, first };
    })
    .sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** As the reader's list has them. */
async function countedOf(deps: PreviewDeps, read: Read): Promise<ReadonlyMap<string, Counted>> {
  const byType = new Map<string, Counted>();
  let counted = 0;
  await unlessLeftOut(
    (async () => {
      const pages = foundPages<ClinicalPage<RecordPosition>, RecordPosition>((position) =>
        findClinicalRecords(deps, read, everything, RECORDS_A_PAGE, position),
      );
      for await (const { records } of pages) {
        for (const record of records) {
          const known = byType.get(record.type) ?? { count: 0, first: [] };
          byType.set(record.type, known);
          known.count++;
          if (known.first.length < SHOWN) known.first.push(record);
        }
        counted += records.length;
        if (counted >= MOST_COUNTED) return;
      }
    })(),
  );
  return byType;
}
