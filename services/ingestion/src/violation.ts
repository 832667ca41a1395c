/** One field that is wrong: its path from the batch's root, a reason, and how to mend it. */
export interface Violation {
  readonly field: string;
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  /** Holds no value that was sent. */
  readonly description: string;
}
