import { type Db, type FindOptions, MaxKey, MinKey } from "mongodb";
import type { IndexShape } from "../catalog.ts";
import type { PreparedScan } from "../scan.ts";
import { snapshot } from "./client.ts";
import type { Layout } from "./schema.ts";
import type { Envelope } from "./stored.ts";

/** One envelope more than the limit shows that there is a next page. */
export async function scanEnvelopes(
  db: Db,
  { shape, indexes }: Layout,
  scan: PreparedScan,
  timeoutMs: number,
): Promise<readonly Envelope[]> {
  const index = shape.indexes.get(scan.index)!;
  const limit = scan.limit + 1;
  const options: FindOptions = {
    ...snapshot(timeoutMs),
    // With a hint MongoDB fails rather than walk the collection, so a scan costs what it returns.
    hint: indexes.get(index.name)!.name,
    sort: byField(index.order, () => (scan.descending ? -1 : 1)),
    limit,
    batchSize: limit + 1,
    ...pageBounds(index, scan),
  };
  return db.collection<Envelope>(shape.name).find(filterOf(index, scan), options).toArray();
}

/** MongoDB's comparisons hold values of their operand's type only, as the port's ranges do. */
function filterOf(index: IndexShape, scan: PreparedScan): Record<string, unknown> {
  const { from, after, to } = scan.range;
  const range = {
    ...(from !== undefined && { $gte: from }),
    ...(after !== undefined && { $gt: after }),
    ...(to !== undefined && { $lt: to }),
  };
  const filter = byField<unknown>(index.fields, (field, i) => {
    const value = scan.equals[i];
    if (value !== undefined) return field === "partition" ? value : { $eq: value, $exists: true };
    // Tells MongoDB that the index holds everything that the scan asks for: an index leaves out documents without its
    // fields.
    return { $exists: true, ...(i === scan.equals.length && range) };
  });
  const passed = scan.position && !scan.descending ? { $nor: [positionFilter(index, scan)] } : {};
  return { ...filter, ...passed };
}

/** `min` is inclusive, so the filter excludes the document that ended the page before. */
function positionFilter(index: IndexShape, scan: PreparedScan): Record<string, unknown> {
  const order = index.order.slice(scan.equals.length);
  return byField(order, (_, i) => scan.position?.[i]);
}

/**
 * From the cursor to the end of the scan, as index keys: the server seeks directly to the place, also across types,
 * which no comparison in a filter does.
 */
function pageBounds(index: IndexShape, scan: PreparedScan): FindOptions {
  const { equals, position, descending } = scan;
  if (!position || position.length === 0) return {};
  const { from, after, to } = scan.range;
  const place = [...equals, ...position];
  const end = [...equals, ...[descending ? (from ?? after) : to].filter((value) => value !== undefined)];
  // The bound of `to` ends before that value, so it is filled up with the least key; without `to`, with the greatest.
  const filler = descending || to !== undefined ? new MinKey() : new MaxKey();
  const here = byField<unknown>(index.order, (_, i) => place[i]);
  const there = byField<unknown>(index.order, (_, i) => end[i] ?? filler);
  return descending ? { min: there, max: here } : { min: here, max: there };
}

function byField<T>(fields: readonly string[], value: (field: string, i: number) => T): Record<string, T> {
  return Object.fromEntries(fields.map((field, i) => [field, value(field, i)]));
}
