import type { CollectionShape } from "../catalog.ts";

/** Names that go into SQL. The catalog allows only letters, digits and _ in them, so quoting is enough. */
export function tableName(collection: string): string {
  return `"c_${collection}"`;
}

export function columnName(field: string): string {
  return `"f_${field}"`;
}

/** A dot separates the two, and neither may hold one: the index `b` of `a` is never confused with a collection. */
export function indexName(collection: string, index: string): string {
  return `"c_${collection}.${index}"`;
}

/** `"f_partition" = ? AND "f_id" = ?` */
export function keyEquals(shape: CollectionShape): string {
  return shape.key.map((field) => `${columnName(field)} = ?`).join(" AND ");
}
