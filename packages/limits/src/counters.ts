/** What is left of a key's quota after a call took from it. */
export interface Taken {
  readonly allowed: boolean;
  /** Units of the window; 0 where it is used up, also where more than the quota was spent. */
  readonly remaining: number;
  /** Until the window of the key ends, milliseconds. */
  readonly resetMs: number;
}

/**
 * Counts what keys spend in windows of fixed length; the window of a key begins with its first use. Two engines: in memory, for
 * one process, and on Valkey, for all replicas together.
 */
export interface Counters {
  /**
   * Adds the units, and says whether the key stays within its quota. Units that are refused count, too, but never beyond the
   * window. Never rejects: an engine that cannot be reached counts in this process, until it can be.
   */
  take(key: string, units: number, quota: number): Promise<Taken>;
  /** Adds units for work that is done: the key may go beyond its quota, and is refused until its window ends. */
  add(key: string, units: number, quota: number): Promise<void>;
  close(): Promise<void>;
}
