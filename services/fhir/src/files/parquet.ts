import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ObservationRow, RowSource, SampleRow } from "./rows.ts";

/** Rows that are encoded at once: 20 ms of one core. */
const groupRows = 10_000;

interface Column<R> {
  readonly name: string;
  readonly type: keyof typeof types;
  readonly of: (row: R) => string | number | bigint;
}

const types = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
  whole: { type: "INT32" },
  number: { type: "DOUBLE" },
} as const;

const sourceColumns: readonly Column<RowSource>[] = [
  { name: "method", type: "text", of: ({ method }) => method },
  { name: "granularity", type: "text", of: ({ granularity }) => granularity },
  { name: "organization", type: "text", of: ({ organization }) => organization },
  { name: "device", type: "text", of: ({ device }) => device },
  { name: "device_model", type: "text", of: ({ deviceModel }) => deviceModel },
];

/** `value` is the nearest double, for reckoning; `value_text` has the digits that were sent. */
const sampleColumns: readonly Column<SampleRow>[] = [
  { name: "code", type: "text", of: ({ code }) => code },
  { name: "name", type: "text", of: ({ display }) => display },
  { name: "component", type: "text", of: ({ component }) => component },
  { name: "start", type: "time", of: ({ startMs }) => BigInt(startMs) },
  { name: "end", type: "time", of: ({ endMs }) => BigInt(endMs) },
  { name: "utc_offset_minutes", type: "whole", of: ({ offsetMinutes }) => offsetMinutes },
  { name: "value", type: "number", of: ({ value, numeric }) => (numeric ? Number(value) : Number.NaN) },
  { name: "value_text", type: "text", of: ({ value }) => value },
  { name: "unit", type: "text", of: ({ unit }) => unit },
  ...sourceColumns,
];

const observationColumns: readonly Column<ObservationRow>[] = [
  { name: "id", type: "text", of: ({ id }) => id },
  { name: "code", type: "text", of: ({ code }) => code },
  { name: "name", type: "text", of: ({ display }) => display },
  { name: "start", type: "time", of: ({ startMs }) => BigInt(startMs) },
  { name: "end", type: "time", of: ({ endMs }) => BigInt(endMs) },
  { name: "utc_offset_minutes", type: "whole", of: ({ offsetMinutes }) => offsetMinutes },
  { name: "value_text", type: "text", of: ({ value }) => value },
  { name: "unit", type: "text", of: ({ unit }) => unit },
  { name: "components", type: "text", of: ({ components }) => components },
  { name: "status", type: "text", of: ({ status }) => status },
  { name: "notes", type: "text", of: ({ notes }) => notes },
  { name: "received", type: "time", of: ({ receivedMs }) => BigInt(receivedMs) },
  ...sourceColumns,
];

export function samplesParquet(rows: AsyncIterable<SampleRow>): AsyncGenerator<Uint8Array> {
  return parquet(sampleColumns, rows);
}

export function observationsParquet(rows: AsyncIterable<ObservationRow>): AsyncGenerator<Uint8Array> {
  return parquet(observationColumns, rows);
}

/** Apache Parquet, a group of rows after the other: only one group lies in memory, and a few numbers of each for the end. */
async function* parquet<R>(
  columns: readonly Column<R>[],
  rows: AsyncIterable<R>,
): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const file = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: "root", num_children: columns.length },
      ...columns.map(({ name, type }) => ({ name, ...types[type], repetition_type: "REQUIRED" as const })),
    ],
    createdBy: "wellapi",
  });
  let group: R[] = [];
  const encode = () => {
    const columnData = columns.map(({ name, of }) => ({ name, data: group.map(of) }));
    file.write({ columnData, rowGroupSize: groupRows });
    group = [];
    return taken(bytes);
  };
  for await (const row of rows) {
    group.push(row);
    if (group.length === groupRows) yield encode();
  }
  if (group.length > 0) yield encode();
  file.finish();
  yield taken(bytes);
}

/** What was written since the last time. The writer goes on counting from there, as it does for files. */
function taken(bytes: ByteWriter): Uint8Array {
  const piece = bytes.getBytes().slice();
  bytes.index = 0;
  return piece;
}
