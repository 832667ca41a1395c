import { type Columns, decodeBlock, encodeBlock } from "@wellapi/series";
import { type Source, sourceOf } from "./provenance.ts";

/** What a sample keeps of the batch that it came with. */
export interface Origin {
  /** Commit sequence. */
  readonly sequence: number;
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
  /** One a sample; those of one batch may share an object. */
  readonly origins: readonly Origin[];
}

/** What a compacted block's seal holds: layers of one source and format, as `stackBlocks` makes them. */
export type CompactedBlock = readonly Strip[];

/** The samples of a compacted block that a reader is shown. */
export interface ShownSamples {
  readonly source: Source;
  readonly columns: Columns;
  /** The highest of `sequences()`. */
  readonly sequence: number;
  /** Commit sequence of each sample. Read when first asked for: where nothing overlaps nobody asks. */
  readonly sequences: () => Float64Array;
}

interface Header {
  readonly source: Source;
  readonly consents: readonly (readonly [consent: string, version: number])[];
  /** Bytes of the table of origins. */
  readonly table: number;
  /** Of each layer: bytes of its samples, bytes of its origins, highest sequence. */
  readonly layers: readonly (readonly [samples: number, origins: number, sequence: number])[];
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
    const sequence = origins.reduce((highest, origin) => Math.max(highest, origin.sequence), 0);
    return {
      samples: encodeBlock(columns),
      origins: encodeBlock({ ...nothing, times: upTo(origins.length), values }),
      sequence,
    };
  });
  const header: Header = {
    source: block[0]!.source,
    consents,
    table: table.length,
    layers: layers.map(({ samples, origins, sequence }) => [samples.length, origins.length, sequence]),
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

/** All layers. The bytes come out of an authenticated seal, so they are what was put in. */
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

/** The first layer alone. */
export function decodeShown(bytes: Uint8Array): ShownSamples {
  const { header, body } = opened(bytes);
  const [samples, origins, sequence] = header.layers[0]!;
  const start = header.table + samples;
  let sequences: Float64Array | undefined;
  return {
    source: header.source,
    columns: decodeBlock(body.subarray(header.table, start)),
    sequence,
    sequences() {
      if (sequences === undefined) {
        const table = originsOf(header, body);
        const rows = mantissasOf(decodeBlock(body.subarray(start, start + origins)));
        sequences = rows.map((row) => table[row]!.sequence);
      }
      return sequences;
    },
  };
}

function opened(bytes: Uint8Array): { readonly header: Header; readonly body: Uint8Array } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = LENGTH_BYTES + view.readUInt32BE();
  const header = JSON.parse(view.toString("utf8", LENGTH_BYTES, end)) as Header;
  return { header, body: bytes.subarray(end) };
}

const coding = (code: string) => ({ system: "", code });

/** The distinct origins by sequence, as columns: what arrives regularly then takes next to nothing. */
function tableOf(origins: readonly Origin[]) {
  const named = (origin: Origin) =>
    `${origin.sequence} ${origin.received} ${origin.version} ${origin.consent}`;
  const names = new Map([...new Set(origins)].map((origin) => [origin, named(origin)]));
  const distinct = [...new Map([...names].map(([origin, name]) => [name, origin])).values()];
  distinct.sort((a, b) => a.sequence - b.sequence);
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
  const [sequences, received, permits] = values.components.map(({ mantissas }) => mantissas);
  return Array.from(times, (_, i): Origin => {
    const [consent, version] = consents[permits![i]!]!;
    return { sequence: sequences![i]!, received: received![i]!, consent, version };
  });
}

function mantissasOf({ values }: Columns): Float64Array {
  if (values.kind !== "decimal") throw new TypeError("rows of origins are decimals");
  return values.mantissas;
}

function upTo(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => i);
}

/** A block as it arrived, as a strip. */
export function stripOf(
  {
    columns,
    provenance,
  }: { readonly columns: Columns; readonly provenance: Source & Omit<Origin, "sequence"> },
  sequence: number,
): Strip {
  const { received, consent, version } = provenance;
  const origin: Origin = { sequence, received, consent, version };
  return {
    source: sourceOf(provenance),
    columns,
    origins: Array.from<Origin>({ length: columns.times.length }).fill(origin),
  };
}
