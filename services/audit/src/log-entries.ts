import { StoreError } from "@wellapi/store";
import { AuditError } from "./errors.ts";
import type { LogRepository } from "./log-repository.ts";

/** Entries [start, end); undefined in place of one that is missing or does not decode. */
export async function entriesOf(
  log: Pick<LogRepository, "entries">,
  start: number,
  end: number,
): Promise<ReadonlyArray<Uint8Array | undefined>> {
  const page = await unlessMissing(log.entries(start, end));
  if (page !== undefined) return page;
  const entries: (Uint8Array | undefined)[] = [];
  for (let index = start; index < end; index++) {
    entries.push((await unlessMissing(log.entries(index, index + 1)))?.[0]);
  }
  return entries;
}

async function unlessMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    const damaged = error instanceof StoreError && error.code === "damaged";
    if (damaged || (error instanceof AuditError && error.code === "tree_damaged")) return undefined;
    throw error;
  }
}
