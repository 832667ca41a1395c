import type { CollectionShape } from "../catalog.ts";

/** Names that end in SQL. The catalog lets only letters, digits and _ into them, so quoting is enough. */
export function tableName(collection: string): string {
  return `"c_${collection}"`;
}

export function columnName(field: string): string {
  return `"f_${field}"`;
}

/** A dot parts the two, which neither may hold: the index `b` of `a` is no other collection's. */
export function indexName(collection: string, index: string): string {
  return `"c_${collection}.${index}"`;
}

/** `"f_partition" = ? AND "f_id" = ?` */
export function keyEquals(shape: CollectionShape): string {
  return shape.key.map((field) => `${columnName(field)} = ?`).join(" AND ");
}
