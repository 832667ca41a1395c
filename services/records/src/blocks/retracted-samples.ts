import { decodeBlock, encodeBlock } from "@wellapi/series";
import type { Contributor } from "../model/contributor.ts";
import type { Interval } from "../model/interval.ts";
import type { Method } from "../model/provenance.ts";

/** The times of the samples and records that a retraction removed, of one commit and code. */
export interface RetractedSamples {
  /** The commit in which they came. */
  readonly sequence: number;
  /** MAC of the code. */
  readonly code: string;
  /** UTC milliseconds. */
  readonly times: Float64Array;
  /** Who had contributed them. Absent: they were retracted before this was kept. */
  readonly organization?: string;
  /** Internal id of their device; empty: it named none. Absent: they were retracted before this was kept, or are damaged. */
  readonly device?: string;
  /** How they came about; 0: not stated. Absent as `device` is, or because they were retracted before this was kept. */
  readonly method?: Method;
}

type Header = readonly (readonly [
  sequence: number,
  code: string,
  bytes: number,
  organization?: string,
  device?: string,
  method?: Method,
])[];

const LENGTH_BYTES = 4;

/** A block of packages/series holds twice as many. */
const TIMES_A_BLOCK = 500_000;

/** Of one contributor: one for each commit, code, device and method, or a few where there are very many; each time once, ascending. */
export function joinRetracted(all: readonly RetractedSamples[], organization: string): RetractedSamples[] {
  const groups = Map.groupBy(all, ({ sequence, code, device, method }) =>
    JSON.stringify([sequence, code, device, method]),
  );
  return [...groups.values()].flatMap((group) => {
    const distinct = new Set<number>();
    for (const { times } of group) for (const time of times) distinct.add(time);
    const times = Float64Array.from(distinct).sort();
    const { times: _, ...of } = group[0]!;
    const blocks = Array.from(
      { length: Math.ceil(times.length / TIMES_A_BLOCK) },
      (_, i) => i * TIMES_A_BLOCK,
    );
    return blocks.map((from) => {
      return { ...of, organization, times: times.slice(from, from + TIMES_A_BLOCK) };
    });
  });
}

/**
 * 4 bytes of length, big-endian; a header as JSON; a block of packages/series for each, whose values have no meaning.
 */
export function encodeRetracted(samples: readonly RetractedSamples[]): Uint8Array {
  const bodies = samples.map(({ times }) => {
    const values = { kind: "decimal" as const, scale: 0, mantissas: new Float64Array(times.length) };
    return encodeBlock({ times, offsetMinutes: 0, durationMs: 0, unit: "", values });
  });
  const header: Header = samples.map(({ sequence, code, organization, device, method }, i) => {
    const entry = [sequence, code, bodies[i]!.length] as const;
    if (organization === undefined) return entry;
    if (device === undefined) return [...entry, organization];
    return method === undefined ? [...entry, organization, device] : [...entry, organization, device, method];
  });
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, ...bodies]);
}

/** The inverse; the bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeRetracted(bytes: Uint8Array): RetractedSamples[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = LENGTH_BYTES + view.readUInt32BE();
  const header = JSON.parse(view.toString("utf8", LENGTH_BYTES, at)) as Header;
  return header.map(([sequence, code, length, organization, device, method]) => {
    const { times } = decodeBlock(bytes.subarray(at, at + length));
    at += length;
    return {
      sequence,
      code,
      times,
      ...(organization !== undefined && { organization }),
      ...(device !== undefined && { device }),
      ...(method !== undefined && { method }),
    };
  });
}

/** The part of a retracted commit that a reader is told. */
export interface ToldRetraction {
  readonly sequence: number;
  readonly codes: readonly string[];
  /** From the first to a millisecond after the last sample that the reader may see. */
  readonly interval: Interval;
}

/**
 * Commit by commit, the part that the reader may see; commits without such a part are left out.
 *
 * @param visible by MAC of the code: the code, and the intervals in which the reader may read it of a contributor
 */
export function toldOf(
  samples: readonly RetractedSamples[],
  visible: ReadonlyMap<
    string,
    { readonly code: string; readonly from: (contributor: Contributor | undefined) => readonly Interval[] }
  >,
): ToldRetraction[] {
  const told = new Map<number, ToldRetraction>();
  for (const { sequence, code: id, times, organization, device, method } of samples) {
    const reading = visible.get(id);
    const contributor = organization === undefined ? undefined : { organization, device, method };
    const seen = reading && extentWithin(times, reading.from(contributor));
    if (reading === undefined || seen === undefined) continue;
    const known = told.get(sequence);
    told.set(sequence, {
      sequence,
      codes: [...new Set([...(known?.codes ?? []), reading.code])],
      interval: {
        from: Math.min(known?.interval.from ?? seen.from, seen.from),
        to: Math.max(known?.interval.to ?? seen.to, seen.to),
      },
    });
  }
  return [...told.values()].sort((a, b) => a.sequence - b.sequence);
}

function extentWithin(times: Float64Array, intervals: readonly Interval[]): Interval | undefined {
  const isSeen = (time: number) => intervals.some(({ from, to }) => from <= time && time < to);
  const first = times.find(isSeen);
  const last = times.findLast(isSeen);
  return first === undefined || last === undefined ? undefined : { from: first, to: last + 1 };
}
