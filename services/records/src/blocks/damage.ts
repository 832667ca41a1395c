import type { DamageReporter } from "@wellapi/runtime";
import { SeriesError } from "@wellapi/series";
import { VaultError } from "@wellapi/vault";
import { RecordsError } from "../errors.ts";

/** A document by its collection and key, the partition first. */
export interface Place {
  readonly collection: "blocks" | "observation_blocks" | "series" | "releases" | "tombstones";
  readonly key: ReadonlyArray<string | number>;
}

/** Where a block lies. */
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
 * What `open` gives of one sealed document. Where its seal does not open, or what is inside does not decode, that is
 * reported, and DATA_DAMAGED is thrown: the caller goes on with the others.
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

/** Undefined where the failure is none of the document's own. */
export function damageOf(error: unknown): string | undefined {
  if (error instanceof VaultError) return error.code === "tampered" ? "its seal does not open" : undefined;
  // What an authenticated seal holds was put there by this program: whatever does not decode was damaged before it was sealed.
  const undecodable =
    error instanceof SeriesError ||
    error instanceof SyntaxError ||
    error instanceof RangeError ||
    error instanceof TypeError;
  return undecodable ? "what its seal holds does not decode" : undefined;
}

/** What of `documents`, in their order, was opened, and the first that is damaged: nothing behind it is known for certain. */
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
