import type { StoredObservation } from "../blocks/observation-scan.ts";
import type { Run } from "../blocks/winners.ts";
import { allKeys } from "../clinical/readable-keys.ts";
import type { ClinicalReadDeps, ShownRecord } from "../clinical/shown-record.ts";
import type { Foreseeing } from "../gate/consent-client.ts";
import type { Intent } from "../gate/intent.ts";
import type { Mask } from "../gate/masks.ts";
import type { Fineness } from "../gate/permit.ts";
import { previewOnce } from "../gate/preview-reading.ts";
import type { Interval } from "../model/interval.ts";
import type { SourcedAggregate } from "../read/aggregates/aggregate-page.ts";
import type { AggregateSeriesDeps } from "../read/aggregates/aggregate-series.ts";
import type { ReadObservationsDeps } from "../read/read-observations.ts";
import { previewKind } from "./previewed-kind.ts";
import { previewRecords } from "./previewed-records.ts";

export interface PreviewDeps extends AggregateSeriesDeps, ReadObservationsDeps, ClinicalReadDeps {}

/** How much there is of a kind. */
export interface Amount {
  /** Samples. */
  readonly values: number;
  readonly observations: number;
  readonly span: Interval;
}

/** Why not all of a kind is seen as it was recorded. */
export type Withheld =
  | "not_permitted"
  | "other_purpose"
  | "denied"
  | "outside_window"
  | "other_source"
  | "coarser"
  /** Of what several devices tell at once the later alone, since devices are left out. */
  | "joined";

/** What is told in buckets of a length. */
export interface PreviewedSums {
  readonly fineness: Exclude<Fineness, "raw">;
  readonly buckets: number;
  readonly span: Interval;
  readonly first: SourcedAggregate;
}

export interface PreviewedKind {
  readonly code: string;
  /** In the patient's own record. */
  readonly held: Amount;
  /** As it was recorded; undefined: nothing. */
  readonly seen: Amount | undefined;
  readonly withheld: Withheld | undefined;
  readonly samples: readonly Run[];
  readonly observations: readonly StoredObservation[];
  /** What is left out of what is seen. */
  readonly masks: readonly Mask[];
  readonly sums: readonly PreviewedSums[];
}

export interface PreviewedRecords {
  readonly type: string;
  readonly held: number;
  readonly seen: number;
  readonly first: readonly ShownRecord[];
}

/** Where a page ended: behind this code. */
export interface PreviewPosition {
  readonly code: string;
}

export interface PreviewPage {
  readonly kinds: readonly PreviewedKind[];
  readonly records: readonly PreviewedRecords[];
  readonly organization: string;
  /** UTC milliseconds: the time for which it was decided. */
  readonly time: number;
  readonly next: PreviewPosition | undefined;
  readonly access: string;
}

/** A page ends after so many samples of the patient's own record. */
const SAMPLES_A_PAGE = 1_000_000;

/**
 * What an organization reads or would read: its reads, run for the patient. By code; without a position also clinical records. What is
 * shown is counted in the entry; that it was previewed is no use of a consent, so the entry names none.
 */
export function previewReads(
  deps: PreviewDeps,
  intent: Intent,
  asked: Pick<Foreseeing, "view" | "purpose">,
  size: number,
  position: PreviewPosition | undefined,
): Promise<PreviewPage> {
  // The same questions whatever the patient has; "" asks whether the organization may know the patient at all.
  const codes = ["", ...allKeys(deps.terminology)];
  // What would be told is made for this answer alone.
  const reading = { ...deps, releases: { ...deps.releases, told: deps.releases.foretold } };
  return previewOnce(deps, intent, { ...asked, codes }, async (read) => {
    const { foreseen } = await read.foresee();
    const kinds: PreviewedKind[] = [];
    let next: PreviewPosition | undefined;
    let last = position;
    let samples = 0;
    for (const code of deps.terminology.codes.map((one) => one.code).sort()) {
      if (position !== undefined && code <= position.code) continue;
      if (kinds.length === size || samples >= SAMPLES_A_PAGE) {
        next = last;
        break;
      }
      last = { code };
      const kind = await previewKind(reading, read, code);
      if (kind === undefined) continue;
      kinds.push(kind);
      samples += kind.held.values + kind.held.observations;
    }
    const records = position === undefined ? await previewRecords(reading, read) : [];
    const { organization, time } = foreseen;
    return {
      items: shownItems(kinds, records),
      fineness: finestShown(kinds, records),
      codes: kinds.map(({ code }) => code),
      permits: [],
      previewed: organization,
      answer: (access) => ({ kinds, records, organization, time, next, access }),
    };
  });
}

/** Values and records in the answer: the first ones, which are shown. */
function shownItems(kinds: readonly PreviewedKind[], records: readonly PreviewedRecords[]): number {
  const ofKind = ({ samples, observations, sums }: PreviewedKind) =>
    samples.reduce((sum, { columns }) => sum + columns.times.length, observations.length) +
    sums.reduce((sum, { first }) => sum + first.buckets.length, 0);
  return (
    kinds.reduce((sum, kind) => sum + ofKind(kind), 0) +
    records.reduce((sum, { first }) => sum + first.length, 0)
  );
}

function finestShown(
  kinds: readonly PreviewedKind[],
  records: readonly PreviewedRecords[],
): Fineness | undefined {
  const raw = kinds.some(({ samples, observations }) => samples.length + observations.length > 0);
  if (raw || records.some(({ first }) => first.length > 0)) return "raw";
  const told = new Set(kinds.flatMap(({ sums }) => sums.map(({ fineness }) => fineness)));
  return (["hourly", "daily"] as const).find((one) => told.has(one));
}
