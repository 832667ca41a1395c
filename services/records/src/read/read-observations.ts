import { isDamaged } from "../blocks/damage.ts";
import type { ObservationRepository } from "../blocks/observation-repository.ts";
import {
  comparePositions,
  type ObservationPosition,
  positionOf,
  type StoredObservation,
} from "../blocks/observation-scan.ts";
import { RecordsError } from "../errors.ts";
import type { Intent } from "../gate/intent.ts";
import { hasMasks, masksAt } from "../gate/masks.ts";
import type { CodePermit } from "../gate/permit.ts";
import { type Found, type Read, type ReadingDeps, readOnce, refuseStrangers } from "../gate/reading.ts";
import type { Contributor } from "../model/contributor.ts";
import { coversTimes } from "../model/interval.ts";
import { mergedStreams } from "../model/merged-streams.ts";
import { withoutDevice } from "../model/provenance.ts";
import { withoutMasked } from "./masked-rest-convert.ts";
import { readableCodes } from "./readable-codes.ts";
import { bytesOfConsents, MESSAGE_BYTES } from "./runs.ts";
import type { SeriesQuery } from "./series-query.ts";
import { contributorOf, fitsSource } from "./source-filter.ts";

export interface ReadObservationsDeps extends ReadingDeps {
  readonly observations: ObservationRepository;
}

/** A page of observations. */
export interface ObservationPage {
  readonly partition: string;
  readonly observations: readonly StoredObservation[];
  readonly next: ObservationPosition | undefined;
  readonly access: string;
}

/** Which observations, and in which order. */
export interface ObservationsQuery extends Pick<SeriesQuery, "interval" | "sources"> {
  /** One code, for which a reader without a consent is refused; or several, of which only what may be read is there. Undefined: all. */
  readonly codes: string | readonly string[] | undefined;
  readonly descending: boolean;
}

export function listObservations(
  deps: ReadObservationsDeps,
  intent: Intent,
  query: ObservationsQuery,
  size: number,
  position: ObservationPosition | undefined,
): Promise<ObservationPage> {
  return readOnce(deps, intent, (read) => findObservations(deps, read, query, size, position));
}

/** As `listObservations`, for a read that has begun. */
export async function findObservations(
  deps: ReadObservationsDeps,
  read: Read,
  query: ObservationsQuery,
  size: number,
  position: ObservationPosition | undefined,
): Promise<Found<ObservationPage>> {
  const { partition } = read.subject;
  const readable = await permitsOf(deps, read, query);
  const found: StoredObservation[] = [];
  let next: ObservationPosition | undefined;
  const consents = Math.max(
    0,
    ...[...readable.values()].map(({ permits }) => bytesOfConsents(permits, true)),
  );
  let bytes = 0;
  try {
    for await (const stored of inOrder(deps, partition, readable, query.descending, position)) {
      if (!(await fitsSource(deps.vault, partition, query.sources, stored.record.provenance))) continue;
      bytes += bytesOf(stored) + consents;
      if (found.length === size || (found.length > 0 && bytes > MESSAGE_BYTES)) {
        next = positionOf(found.at(-1)!);
        break;
      }
      found.push(stored);
    }
  } catch (error) {
    // The page is whole: the damaged block belongs to the next page.
    if (!isDamaged(error) || found.length < size) throw error;
    next = positionOf(found.at(-1)!);
  }
  return {
    items: found.length,
    fineness: "raw",
    codes: [...readable.keys()],
    permits: [...readable.values()].flatMap(({ permits }) => permits),
    answer: (access) => ({ partition, observations: found, next, access }),
  };
}

async function permitsOf(
  { terminology }: ReadObservationsDeps,
  read: Read,
  { codes, interval }: ObservationsQuery,
): Promise<ReadonlyMap<string, CodePermit>> {
  if (typeof codes !== "string") return readableCodes(terminology, read, codes, interval);
  return new Map([[codes, await read.codePermit(codes, interval)]]);
}

/** Of all codes in one order, behind `position`. */
function inOrder(
  deps: ReadObservationsDeps,
  partition: string,
  readable: ReadonlyMap<string, CodePermit>,
  descending: boolean,
  position: ObservationPosition | undefined,
): AsyncGenerator<StoredObservation> {
  const streams = [...readable].map(([code, codePermit]) =>
    ofCode(deps, { partition, code, codePermit }, descending, position),
  );
  return mergedStreams(streams, (a, b) => comparePositions(positionOf(a), positionOf(b), descending));
}

async function* ofCode(
  { observations, vault }: ReadObservationsDeps,
  place: { readonly partition: string; readonly code: string; readonly codePermit: CodePermit },
  descending: boolean,
  position: ObservationPosition | undefined,
): AsyncGenerator<StoredObservation> {
  const { partition, code, codePermit } = place;
  const { intervals, permits } = codePermit;
  const told = teller(codePermit);
  for (const interval of descending ? intervals.toReversed() : intervals) {
    for await (const found of observations.inOrder({ partition, code, interval, descending, position })) {
      const of = await contributorOf(vault, partition, permits, found.record.provenance);
      if (isReadable(codePermit, found, of)) yield told(found, of);
    }
  }
}

/** Whether it may be read of its contributor, too. */
function isReadable({ from }: CodePermit, { record }: StoredObservation, contributor: Contributor): boolean {
  return coversTimes(from(contributor), [record.time]);
}

/** What is told of each observation that may be read: all of it, or what the masks of all permits that let it through leave. */
function teller({
  permits,
}: CodePermit): (stored: StoredObservation, contributor: Contributor) => StoredObservation {
  if (!hasMasks(permits)) return (stored) => stored;
  return ({ record, ...stored }, contributor) => {
    const masks = masksAt(permits, contributor, record.time);
    const { rest: whole, ...others } = record;
    const provenance = masks.has("device") ? withoutDevice(record.provenance) : record.provenance;
    const rest = withoutMasked(whole, masks);
    return { ...stored, record: { ...others, provenance, ...(rest !== undefined && { rest }) } };
  };
}

/** With its ids, times, source and the names of all fields. */
const HEAD_BYTES = 1_200;
/** The escapes of a field in JSON may take several times its size in protobuf, which `rest` holds in base 64. */
const TIMES_REST = 4;

/** Upper bound of its size in a JSON answer. */
function bytesOf({ record: { value, rest = "", provenance } }: StoredObservation): number {
  const numbers = value === undefined ? 0 : 3 * Buffer.byteLength(JSON.stringify(value));
  return (
    HEAD_BYTES + numbers + TIMES_REST * rest.length + Buffer.byteLength(JSON.stringify(provenance.model))
  );
}

/** One observation by its place. The decision concerns its own code, so it is found first and then released. */
export function getObservation(
  deps: ReadObservationsDeps,
  intent: Intent,
  place: { readonly batch: string; readonly item: number } | undefined,
): Promise<{ readonly partition: string; readonly observation: StoredObservation; readonly access: string }> {
  return readOnce(deps, intent, async (read) => {
    const { partition } = read.subject;
    const observation = place && (await findOrRefuse(deps, read, place));
    if (observation === undefined) throw (await refuseStrangers(read)) ?? new RecordsError("NOT_FOUND");
    const { time } = observation.record;
    const { code } = observation.record.code;
    const moment = { from: time, to: time + 1 };
    const codePermit = await read.codePermit(code, moment).catch((error: unknown) => {
      // That there is one would say it all.
      if (error instanceof RecordsError && error.code === "NOT_FOR_REPRESENTATIVES")
        throw new RecordsError("NOT_FOUND");
      throw error;
    });
    const { permits } = codePermit;
    const of = await contributorOf(deps.vault, partition, permits, observation.record.provenance);
    if (!isReadable(codePermit, observation, of)) throw new RecordsError("NOT_FOUND");
    return {
      items: 1,
      fineness: "raw",
      codes: [code],
      permits,
      answer: (access) => ({ partition, observation: teller(codePermit)(observation, of), access }),
    };
  });
}

/** Only a reader who may have seen the damaged data learns of the damage. */
async function findOrRefuse(
  { observations }: ReadObservationsDeps,
  read: Read,
  { batch, item }: { readonly batch: string; readonly item: number },
): Promise<StoredObservation | undefined> {
  try {
    return await observations.find(read.subject.partition, batch, item);
  } catch (error) {
    const refusal = isDamaged(error) ? await refuseStrangers(read) : undefined;
    throw refusal ?? error;
  }
}
