import type { DamageReporter } from "@wellapi/runtime";
import { SeriesError } from "@wellapi/series";
import { VaultError } from "@wellapi/vault";
import { RecordsError } from "../errors.ts";

/** A document by its collection and key, the partition first. */
export interface Place {
  readonly collection:
    | "blocks"
    | "observation_blocks"
    | "series"
    | "releases"
    | "device_priorities"
    | "tombstones"
    | "clinical_records"
    | "clinical_versions"
    | "clinical_labels";
  readonly key: ReadonlyArray<string | number>;
}

/** The place of a block. */
export function blockPlace(
  { partition, batch, item }: { readonly partition: string; readonly batch: string; readonly item: number },
  collection: Place["collection"] = "blocks",
): Place {
  return { collection, key: [partition, batch, item] };
}

export function seriesPlaceOf({ partition, series }: { partition: string; series: string }): Place {
  return { collection: "series", key: [partition, series] };
}

/**
 * Returns the result of `open` for one sealed document. If its seal does not open, or its content does not decode,
 * the damage is reported and DATA_DAMAGED is thrown: the caller continues with the other documents.
 */
export function openOrReport<T>(damage: DamageReporter, { collection, key }: Place, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const what = damageOf(cause);
    if (what === undefined) throw cause;
    damage.report({ collection, document: key.map(String), what }, cause);
    throw new RecordsError("DATA_DAMAGED", { cause });
  }
}

/** The same; undefined where it is damaged. */
export function openUnlessDamaged<T>(damage: DamageReporter, place: Place, open: () => T): T | undefined {
  try {
    return openOrReport(damage, place, open);
  } catch (error) {
    if (isDamaged(error)) return undefined;
    throw error;
  }
}

export function isDamaged(error: unknown): error is RecordsError {
  return error instanceof RecordsError && error.code === "DATA_DAMAGED";
}

/** Undefined where the failure is not a fault of the document. */
export function damageOf(error: unknown): string | undefined {
  if (error instanceof VaultError) return error.code === "tampered" ? "its seal does not open" : undefined;
  // This program wrote the content of an authenticated seal: if it does not decode, it was damaged before it was
  // sealed.
  const undecodable =
    error instanceof SeriesError ||
    error instanceof SyntaxError ||
    error instanceof RangeError ||
    error instanceof TypeError;
  return undecodable ? "what its seal holds does not decode" : undefined;
}

/** The opened documents, in the order of `documents`, and the first damaged one: nothing behind it is certain. */
export interface OpenedUntil<D, T> {
  readonly opened: readonly T[];
  readonly damaged: { readonly document: D; readonly error: RecordsError } | undefined;
}

export function openUntilDamaged<D, T>(documents: readonly D[], open: (document: D) => T): OpenedUntil<D, T> {
  const opened: T[] = [];
  for (const document of documents) {
    try {
      opened.push(open(document));
    } catch (error) {
      if (!isDamaged(error)) throw error;
      return { opened, damaged: { document, error } };
    }
  }
  return { opened, damaged: undefined };
}
