import type { Columns } from "@wellapi/series";
import type { ObservationRecord } from "../model/observation.ts";
import type { Granularity, Method } from "../model/provenance.ts";
import type { JudgedItem, Judgement } from "./judgement.ts";
import type { VendorAccount } from "./vendor-account.ts";

/** The source of an item, as its provider names it. */
interface Captured {
  readonly device: string;
  readonly model: string;
  readonly method: Method;
  readonly granularity: Granularity;
}

/** A series to store; without columns where it is rejected. */
export interface SeriesItem extends JudgedItem, Captured {
  readonly columns: Columns | undefined;
}

/** An observation to store; without a record where it is rejected. */
export interface ObservationItem extends JudgedItem, Captured {
  readonly record: Omit<ObservationRecord, "provenance" | "item"> | undefined;
}

interface BatchOf<K extends string, I> {
  readonly kind: K;
  readonly requestId: string;
  /** The patient's id as sent. */
  readonly patient: string;
  /** SHA-256 of the batch as sent: shows whether a request id was used for another batch. */
  readonly digest: Uint8Array;
  /** Where it is from a vendor's document. */
  readonly vendorAccount?: VendorAccount | undefined;
  /** Approximate size of the batch in memory, bytes. */
  readonly size: number;
  readonly items: readonly I[];
}

export type Batch = BatchOf<"series", SeriesItem> | BatchOf<"observations", ObservationItem>;

/** The items without a violation so far. */
export function goodItems(batch: Batch): readonly JudgedItem[] {
  return batch.items.filter(({ violations }: JudgedItem) => violations.length === 0);
}

/** The result of a batch. */
export interface BatchOutcome {
  readonly requestId: string;
  /** Internal id; undefined where no item was ever accepted. */
  readonly batch: string | undefined;
  readonly judgements: readonly Judgement[];
  /** 0 where no item was ever accepted. */
  readonly sequence: number;
}
