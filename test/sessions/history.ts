/** What clients saw of a run: every operation with when it was begun and answered, by one monotonic clock in ms. */
export interface History {
  readonly operations: readonly Operation[];
  readonly faults: readonly Fault[];
  /** When recording ended. */
  readonly ended: number;
}

export type Direction = "contribute" | "read";

/**
 * `refused`: consent was said to be missing. `unsure`: UNDECIDED, UNAVAILABLE or no answer in time; it may have
 * happened or not. `wrong`: an answer that no operation should get.
 */
export type Answer =
  | { readonly kind: "ok" }
  | { readonly kind: "refused" | "unsure" | "wrong"; readonly reason: string };

interface Base {
  readonly patient: string;
  /** The process that was asked, as `records-2`. */
  readonly replica: string;
  readonly invoked: number;
  /** Absent where no answer came before the end. */
  readonly completed?: number;
  readonly answer?: Answer;
}

/** Attempts with one request are one consent. */
export interface Grant extends Base {
  readonly kind: "grant";
  readonly direction: Direction;
  readonly request: string;
  /** Known once answered. */
  readonly consent?: string;
}

export interface Revoke extends Base {
  readonly kind: "revoke";
  readonly consent: string;
}

/** One sample, which its mark tells from all others of the patient. */
export interface Write extends Base {
  readonly kind: "write";
  readonly mark: number;
}

/** Everything that the patient's series holds. */
export interface Read extends Base {
  readonly kind: "read";
  readonly marks?: readonly number[];
}

export interface Watch extends Base {
  readonly kind: "watch";
  /** When its authorization arrived; then it is a success, however it ends. */
  readonly started?: number;
  readonly deliveries: readonly { readonly mark: number; readonly at: number }[];
}

export type Operation = Grant | Revoke | Write | Read | Watch;

export interface Fault {
  readonly name: string;
  readonly began: number;
  readonly ended: number;
}
