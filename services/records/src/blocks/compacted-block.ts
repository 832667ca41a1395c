import { type Columns, coverOf, decodeBlock, encodeBlock, mergeCovers, sameCover } from "@wellapi/series";
import { type Source, sourceOf } from "../model/provenance.ts";
import { rankOf } from "../model/rank.ts";

/** The origin of a sample: the batch in which it came. */
export interface Origin {
  /** Commit sequence. */
  readonly sequence: number;
  /** Position of its item in the batch. */
  readonly item: number;
  /** UTC milliseconds. */
  readonly received: number;
  /** The consent that permitted storing it, with its version. */
  readonly consent: string;
  readonly version: number;
}

/** Samples of one source and format, each with its origin. */
export interface Strip {
  readonly source: Source;
  readonly columns: Columns;
  /** One for each sample; samples of one item may share an object. */
  readonly origins: readonly Origin[];
}

/** The sealed content of a compacted block: layers of one source and format, as `stackBlocks` makes them. */
export type CompactedBlock = readonly Strip[];

/** The samples of one layer. */
export interface LayerSamples {
  readonly columns: Columns;
  /** The highest of `ranks()`. */
  readonly rank: number;
  /** Rank of each sample. Computed at the first call: where nothing overlaps, nobody calls it. */
  readonly ranks: () => Float64Array;
}

/** The part of a compacted block that a reader needs. */
export interface ShownSamples extends LayerSamples {
  readonly source: Source;
  /** The other layers, where they cover something that no later sample of the first layer covers. */
  readonly hidden: readonly LayerSamples[];
}

interface Header {
  readonly source: Source;
  readonly consents: readonly (readonly [consent: string, version: number])[];
  /** Bytes of the table of origins. */
  readonly table: number;
  /** Of each layer: bytes of its samples, bytes of its origins, highest rank. */
  readonly layers: readonly (readonly [samples: number, origins: number, rank: number])[];
  /** Whether layers after the first may hide samples of other blocks that the first layer does not hide. */
  readonly hides: boolean;
}

const LENGTH_BYTES = 4;
const nothing = { offsetMinutes: 0, durationMs: 0, unit: "" };

/**
 * 4 bytes of length, big-endian; a header as JSON; then blocks of packages/series: the table of origins, and of each
 * layer the samples and, for each, its row in the table.
 */
export function encodeCompacted(block: CompactedBlock): Uint8Array {
  const { consents, rows, rowOf } = tableOf(block.flatMap(({ origins }) => origins));
  const table = encodeBlock(rows);
  const layers = block.map(({ columns, origins }) => {
    const mantissas = Float64Array.from(origins, rowOf);
    const values = { kind: "decimal" as const, scale: 0, mantissas };
    const rank = rankOfEach(origins).reduce((highest, one) => Math.max(highest, one), 0);
    return {
      samples: encodeBlock(columns),
      origins: encodeBlock({ ...nothing, times: upTo(origins.length), values }),
      rank,
    };
  });
  const header: Header = {
    source: block[0]!.source,
    consents,
    table: table.length,
    layers: layers.map(({ samples, origins, rank }) => [samples.length, origins.length, rank]),
    hides: hiddenHide(block),
  };
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([
    length,
    head,
    table,
    ...layers.flatMap(({ samples, origins }) => [samples, origins]),
  ]);
}

export function rankOfEach(origins: readonly Origin[]): Float64Array {
  return Float64Array.from(origins, ({ sequence, item }) => rankOf(sequence, item));
}

function hiddenHide(block: CompactedBlock): boolean {
  if (block.length === 1) return false;
  const covers = block.map(({ columns, origins }) => coverOf(columns, rankOfEach(origins)));
  return !sameCover(covers[0]!, mergeCovers(covers));
}

/** All layers. The bytes come from an authenticated seal, so they are the bytes that were sealed. */
export function decodeCompacted(bytes: Uint8Array): CompactedBlock {
  const { header, body } = opened(bytes);
  const table = originsOf(header, body);
  let at = header.table;
  return header.layers.map(([samples, origins]): Strip => {
    const columns = decodeBlock(body.subarray(at, at + samples));
    const rows = mantissasOf(decodeBlock(body.subarray(at + samples, at + samples + origins)));
    at += samples + origins;
    return { source: header.source, columns, origins: Array.from(rows, (row) => table[row]!) };
  });
}

/** The first layer, and the others where a reader needs them. */
export function decodeShown(bytes: Uint8Array): ShownSamples {
  const { header, body } = opened(bytes);
  let table: Origin[] | undefined;
  const originOf = (row: number) => {
    table ??= originsOf(header, body);
    return table[row]!;
  };
  let at = header.table;
  const layers: LayerSamples[] = [];
  for (const [samples, origins, rank] of header.hides ? header.layers : header.layers.slice(0, 1)) {
    const start = at + samples;
    let ranks: Float64Array | undefined;
    layers.push({
      columns: decodeBlock(body.subarray(at, start)),
      rank,
      ranks() {
        ranks ??= mantissasOf(decodeBlock(body.subarray(start, start + origins))).map((row) => {
          const { sequence, item } = originOf(row);
          return rankOf(sequence, item);
        });
        return ranks;
      },
    });
    at = start + origins;
  }
  const [first, ...hidden] = layers;
  return { source: header.source, ...first!, hidden };
}

function opened(bytes: Uint8Array): { readonly header: Header; readonly body: Uint8Array } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + view.readUInt32BE();
  const header = JSON.parse(view.toString("utf8", LENGTH_BYTES, end)) as Header;
  return { header, body: bytes.subarray(end) };
}

const coding = (code: string) => ({ system: "", code });

/** The distinct origins by sequence, as columns: regular arrivals then take almost no bytes. */
function tableOf(origins: readonly Origin[]) {
  const named = (origin: Origin) =>
    `${origin.sequence} ${origin.item} ${origin.received} ${origin.version} ${origin.consent}`;
  const names = new Map([...new Set(origins)].map((origin) => [origin, named(origin)]));
  const distinct = [...new Map([...names].map(([origin, name]) => [name, origin])).values()];
  distinct.sort((a, b) => a.sequence - b.sequence || a.item - b.item);
  const positions = new Map(distinct.map((origin, i) => [named(origin), i]));
  const consents = new Map<string, number>();
  const permits = distinct.map(({ consent, version }) => {
    const name = `${version} ${consent}`;
    const position = consents.get(name) ?? consents.size;
    consents.set(name, position);
    return position;
  });
  const column = (name: string, value: (origin: Origin, row: number) => number) => {
    return { coding: coding(name), unit: "", scale: 0, mantissas: Float64Array.from(distinct, value) };
  };
  const rows: Columns = {
    ...nothing,
    times: upTo(distinct.length),
    values: {
      kind: "components",
      components: [
        column("sequence", ({ sequence }) => sequence),
        column("item", ({ item }) => item),
        column("received", ({ received }) => received),
        column("consent", (_, row) => permits[row]!),
      ],
    },
  };
  return {
    consents: [...consents.keys()].map((name): [string, number] => {
      const space = name.indexOf(" ");
      return [name.slice(space + 1), Number(name.slice(0, space))];
    }),
    rows,
    rowOf: (origin: Origin) => positions.get(names.get(origin)!)!,
  };
}

function originsOf({ consents, table }: Header, body: Uint8Array): Origin[] {
  const { values, times } = decodeBlock(body.subarray(0, table));
  if (values.kind !== "components") throw new TypeError("a table of origins has components");
  const [sequences, items, received, permits] = values.components.map(({ mantissas }) => mantissas);
  return Array.from(times, (_, i): Origin => {
    const [consent, version] = consents[permits![i]!]!;
    return { sequence: sequences![i]!, item: items![i]!, received: received![i]!, consent, version };
  });
}

function mantissasOf({ values }: Columns): Float64Array {
  if (values.kind !== "decimal") throw new TypeError("rows of origins are decimals");
  return values.mantissas;
}

function upTo(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => i);
}

/** A block in its original form, as a strip. */
export function stripOf(
  {
    columns,
    provenance,
  }: { readonly columns: Columns; readonly provenance: Source & Omit<Origin, "sequence" | "item"> },
  { sequence, item }: Pick<Origin, "sequence" | "item">,
): Strip {
  const { received, consent, version } = provenance;
  const origin: Origin = { sequence, item, received, consent, version };
  return {
    source: sourceOf(provenance),
    columns,
    // Array.from would walk the length first.
    origins: new Array<Origin>(columns.times.length).fill(origin),
  };
}
