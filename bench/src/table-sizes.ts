import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Bytes of each table of a closed SQLite file with its indexes (the pages that they take). */
export function tableSizes(file: string): Map<string, number> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database
      .prepare(
        `SELECT coalesce(schema.tbl_name, stat.name) AS name, sum(stat.pgsize) AS bytes
         FROM dbstat AS stat LEFT JOIN sqlite_schema AS schema ON schema.name = stat.name GROUP BY 1`,
      )
      .all();
    return new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes)]));
  } finally {
    database.close();
  }
}

/** All files below a folder, bytes. One may be renamed meanwhile, and is counted as nothing then. */
export function folderSize(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }))
    .reduce((sum, stat) => sum + (stat?.size ?? 0), 0);
}
